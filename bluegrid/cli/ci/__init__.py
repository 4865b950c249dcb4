"""`bluegrid ci`: the steps of a project's workflows, which also run by hand."""
