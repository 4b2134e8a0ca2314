"""How a chart looks."""

class Style:
    def __init__(
        self,
        *,
        background: str,
        plot_background: str,
        colors: tuple[str, ...],
        font_family: str,
        label_font_size: int,
        major_label_font_size: int,
        legend_font_size: int,
        title_font_size: int,
        value_font_size: int,
    ) -> None: ...
