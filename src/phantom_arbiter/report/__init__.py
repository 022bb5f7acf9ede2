"""`phantom report`: one run as one HTML file that needs nothing else.

`gather` makes exact values of what the journal holds, `page` makes them a page. Texts in a journal come from
files, endpoints and programs: the page escapes every one of them, and forbids itself scripts and everything
from elsewhere.
"""

from phantom_arbiter.report.gather import Report, gather, to_json
from phantom_arbiter.report.page import render_page

__all__ = ["Report", "gather", "render_page", "to_json"]
