"""Charts as SVG: pure functions of numbers, styled by the page's stylesheet."""
