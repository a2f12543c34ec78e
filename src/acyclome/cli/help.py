"""Help of one screen: the options that matter, in a sentence each, and two examples; ``--help-all`` has the rest."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

import click
import cloup

from acyclome.wording import plural

# Of many options those that help shows, in this order.
SHOWN = (
    *("input__layer", "input__group_by", "input__perturbation", "input__control", "prepare__covariates"),
    *("knowledge__regulators", "knowledge__knowledge", "model", "resample__resamples", "preset", "config_file"),
    *("threads", "device", "resume", "quiet", "json"),
)
# Of commands without them, which help leaves out.
LEFT_OUT = {
    "simulate": (
        *("factors", "factor_share", "factor_coverage", "factor_kind", "activity_noise", "cooperativity"),
        *("kinetic_noise", "count_spread", "dispersion", "size_spread", "dominant", "measurement_noise", "hidden"),
    ),
}
EXAMPLES: dict[str, tuple[str, str]] = {
    "run": (
        "run pbmc.h5ad --layer counts --regulators human -o out/",
        "run screen.h5ad --perturbation target --control non-targeting -o out/",
    ),
    "inspect": ("inspect pbmc.h5ad", "inspect counts.csv --genes-as rows --json"),
    "plan": ("plan pbmc.h5ad --layer counts", "plan pbmc.h5ad --preset paper --threads 16 --json"),
    "demo": ("demo -o demo/", "demo --data-only pbmc68k_reduced.h5ad"),
    "doctor": ("doctor --json", "doctor --speed"),
    "predict": ("predict out/ --knockout SPI1", "predict out/ --set SPI1=-2 --shift CEBPA=1 -o changes.tsv"),
    "effects": ("effects out/ -g SPI1 --descendants", "effects out/ --least 0.1 -o effects.tsv"),
    "blame": (
        "blame out/ --before controls.h5ad --after treated.h5ad",
        "blame out/ --before dmso.h5ad --after drug.h5ad --acts-on activity",
    ),
    "explain": ("explain out/ --gene SPI1", "explain out/ --gene SPI1 --json"),
    "modules": ("modules out/ --gene-sets hallmark.gmt", "modules out/ --gene SPI1 --to LYZ"),
    "export": (
        "export out/ -o network.graphml",
        "export out/ --format cx2,gmt --min-confidence 0.8 --regulators human",
    ),
    "figures": ("figures out/", "figures out/ --format pdf -o paper/"),
    "score": ("score out/ --truth edges.tsv", "score out/ --interventional"),
    "simulate": ("simulate -o toy.h5ad --genes 1000 --observations 500", "simulate -o toy.h5ad --graph hub --seed 3"),
    "benchmark": ("benchmark --d 100,1000", "benchmark --d 500 --methods acyclome,dagma"),
    "prepare": ("prepare pbmc.h5ad --layer counts -o out/", "prepare pbmc.h5ad --config options.yaml -o out/"),
    "screen": ("screen out/", "screen out/ --threads 8 --device cuda"),
    "shard": ("shard out/", "shard out/ --json"),
    "fit": ("fit out/", "fit out/ --part 2 --parts 4"),
    "merge": ("merge out/", "merge out/ --json"),
    "order": ("order out/", "order out/ --threads 8"),
    "resample": ("resample out/", "resample out/ --part 1 --parts 10 --threads 4"),
    "network": ("network out/", "network out/ --json"),
    "report": ("report out/ --open", "report out/ --quiet"),
}
_WHOLE = "acyclome.help_all"
_LONG = 100  # letters: two lines beside the names


def help_all_option() -> click.Option:
    """Return the option that shows all options, each with all that is to be said of it."""

    def show(context: click.Context, _: click.Parameter, is_asked: bool) -> None:
        if is_asked and not context.resilient_parsing:
            context.meta[_WHOLE] = True
            click.echo(context.get_help(), color=context.color)
            context.exit()

    text = "Show all options, and all of what each one does."
    return cloup.Option(["--help-all"], is_flag=True, is_eager=True, expose_value=False, callback=show, help=text)


class BriefCommand(cloup.Command):
    """A command whose help is brief: of each option the first sentence, without those that are `left_out`."""

    def __init__(self, *args: Any, left_out: Collection[str] = (), **given: Any) -> None:
        super().__init__(*args, **given)
        names = {*left_out, *LEFT_OUT.get(self.name or "", ())}
        self._left_out = [item for item in self.params if item.name in names]

    def format_params(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, in brief unless all was asked for."""
        if _WHOLE in ctx.meta:
            super().format_params(ctx, formatter)
            return
        shown = [item for item in self.get_params(ctx) if item not in self._left_out]
        options = [item for item in shown if isinstance(item, click.Option)]
        if any(item.name == "config_file" for item in options):
            options.sort(key=_place)
        arguments = self.get_arguments_help_section(ctx)
        section = cloup.HelpSection("Options", [_brief(item, ctx) for item in options])
        formatter = cloup.formatting.ensure_is_cloup_formatter(formatter)
        formatter.write_many_sections([*([arguments] if arguments else []), section], aligned=True)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, and how many options there are besides."""
        lines = [f"  acyclome {words}\n" for words in EXAMPLES.get(self.name or "", ())]
        formatter.write(f"\nExamples:\n{''.join(lines)}" if lines else "")
        if self._left_out and _WHOLE not in ctx.meta:
            formatter.write(f"\n{plural(len(self._left_out), 'option|s more')}: acyclome {self.name} --help-all\n")


def _place(option: click.Option) -> int:
    """Return where an option stands: own ones of the command, then those that are shown of many, then help."""
    if "help" in str(option.name):
        return len(SHOWN) + 1
    return 1 + SHOWN.index(str(option.name)) if option.name in SHOWN else 0


def _brief(option: click.Option, ctx: click.Context) -> tuple[str, str]:
    words, text = option.get_help_record(ctx) or ("", "")
    sentence = re.split(r"(?<=[.])\s", text)[0]
    # Without the name that has its section, and what a long sentence counts up.
    text = sentence if len(sentence) <= _LONG else f"{sentence.partition(':')[0].rstrip('.')}."
    return re.sub(r", --\w+\.[\w-]+", "", words), text
