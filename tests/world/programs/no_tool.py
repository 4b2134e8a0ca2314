"""No tool at all: how the runs of the others are when nothing is around them."""

from tests.world.programs.runs import run
from tests.world.programs.tool import Tool

if __name__ == "__main__":
    run(Tool())
