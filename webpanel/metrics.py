"""Counters for the machine room, in Prometheus' text format (version 0.0.4). No person's data, only totals."""

from collections import Counter, defaultdict
from typing import Final

from aiohttp import web


class Metrics:
    """Counts of one process since its start."""

    def __init__(self) -> None:
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._seconds: defaultdict[tuple[str, str], float] = defaultdict(float)
        self.streams = 0
        self.streams_dropped = 0

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request."""
        self._requests[method, route, status] += 1
        self._seconds[method, route] += seconds

    def text(self) -> str:
        """All counters as text."""
        lines = ["# TYPE saikoku_panel_requests_total counter"]
        lines += [
            f'saikoku_panel_requests_total{{method="{method}",route="{_escape(route)}",status="{status}"}} {count}'
            for (method, route, status), count in sorted(self._requests.items())
        ]
        lines.append("# TYPE saikoku_panel_request_seconds_total counter")
        lines += [
            f'saikoku_panel_request_seconds_total{{method="{method}",route="{_escape(route)}"}} {seconds:.6f}'
            for (method, route), seconds in sorted(self._seconds.items())
        ]
        lines += ["# TYPE saikoku_panel_streams gauge", f"saikoku_panel_streams {self.streams}"]
        lines += [
            "# TYPE saikoku_panel_streams_dropped_total counter",
            f"saikoku_panel_streams_dropped_total {self.streams_dropped}",
        ]
        return "\n".join(lines) + "\n"


METRICS: Final = web.AppKey("metrics", Metrics)


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
