"""Charts as SVG made on the server: nothing from outside, no inline style, and on paper as on the screen.

`webpanel.charts.shapes` computes where things stand, the macros of `charts/charts.html` draw them. A chart never stands
alone: the page has its numbers in a table beside it.
"""
