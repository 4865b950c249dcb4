"""Models that older releases of scikit-learn wrote, and what they answered there; `write.py` wrote them."""
