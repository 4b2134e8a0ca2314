"""Charts as SVG, as far as the benchmarks draw them."""

from collections.abc import Callable, Sequence

from pygal.style import Style

__version__: str

class HorizontalBar:
    x_labels: Sequence[str]

    def __init__(
        self,
        *,
        style: Style,
        title: str,
        js: tuple[str, ...],
        width: int,
        height: int,
        legend_at_bottom: bool,
        print_values: bool,
        value_formatter: Callable[[float], str],
        disable_xml_declaration: bool,
    ) -> None: ...
    def add(self, title: str, values: Sequence[float]) -> HorizontalBar: ...
    def render(self) -> bytes | str: ...
