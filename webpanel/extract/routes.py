"""Routes of the extraction."""

from typing import Final

from db.rules.terms import Right
from webpanel.extract import keeping, letters, views, visits
from webpanel.routing import Route, action, fragment, page

ROUTES: Final[tuple[Route, ...]] = (
    page("/extract", views.build, Right.EXTRACT),
    fragment("/extract/part", views.part, Right.EXTRACT),
    action("/extract/count", views.count, Right.EXTRACT),
    action("/extract/run", views.run, Right.EXTRACT),
    page("/extract/{id}", views.results, Right.EXTRACT),
    fragment("/extract/{id}/late-charge", views.late_charge, Right.EXTRACT),
    action("/extract/{id}/save", keeping.save, Right.EXTRACT),
    action("/extract/{id}/change", keeping.change, Right.EXTRACT),
    action("/extract/{id}/remove", keeping.remove, Right.EXTRACT),
    action("/extract/{id}/export", keeping.take_out, Right.EXPORT),
    action("/extract/{id}/freeze", keeping.freeze, Right.EXTRACT),
    page("/targets/{id}", keeping.show_list, Right.EXTRACT),
    page("/targets/{id}/letters", letters.show, Right.EXPORT),
    fragment("/targets/{id}/letters/count", letters.count, Right.EXPORT),
    action("/targets/{id}/letters/export", letters.take_out, Right.EXPORT),
    action("/targets/{id}/letters/left-out", letters.take_out_left_out, Right.EXPORT),
    page("/targets/{id}/visits", visits.show, Right.ASSIGN),
    fragment("/targets/{id}/visits/count", visits.count, Right.ASSIGN),
    action("/targets/{id}/visits", visits.make, Right.ASSIGN),
    action("/targets/{id}/remove", keeping.remove_list, Right.EXTRACT),
)
