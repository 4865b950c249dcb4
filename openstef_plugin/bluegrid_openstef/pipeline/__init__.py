"""A fitted pipeline of OpenSTEF as data, and its evaluation with NumPy: nothing here needs OpenSTEF.

document.py      the whole pipeline, as a file of `openstef/json` has it
step.py          ) the steps of the preprocessing, a class each with its numbers: checks of the series,
checks.py        ) the target's past, calendar, weather, sun, and what bounds, scales and fills numbers
lags.py          )
calendar.py      )
weather.py       )
sun.py           )
numbers.py       )
light.py         the position and the light of the sun
forecasters.py   what makes quantiles of the columns
table.py         the series of a request, and the columns that the steps make
model.py         a loaded pipeline, as a pod calls it
"""
