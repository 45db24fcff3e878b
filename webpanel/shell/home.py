"""本日, the home screen: what is due for whoever looks at it."""

from aiohttp import web

from webpanel.render import page


async def show_home(request: web.Request) -> web.StreamResponse:
    """The home screen."""
    return await page(request, "shell/home.html")
