"""The command that makes a comparison of pairs again, for its page; secrets are not in it."""

import argparse
import shlex

from katydid.commands.pairs.options import MOST_PAIRS, WAIT_READY, Asked
from katydid.model.documents.manifest import Manifest
from katydid.model.redact import hide_assigned
from katydid.protocol.target_url import shown_url
from katydid.report.run import options_of


def command_again(given: argparse.Namespace, asked: Asked, made: Manifest) -> str:
    """`katydid ab` with both versions and every option that the runs had.

    Args:
        given: the command line.
        asked: what it asks for.
        made: of the first run.
    """
    base, new = (asked.versions[side] for side in ("base", "new"))
    words = ["katydid", "ab", asked.workload, shown_url(base.host), shown_url(new.host)]
    said = {
        "--base-version": base.label,
        "--new-version": new.label,
        "--start-base": base.start and hide_assigned(base.start),
        "--start-new": new.start and hide_assigned(new.start),
        "--max-pairs": None if given.max_pairs == MOST_PAIRS else str(given.max_pairs),
        "--wait-ready": None if given.wait_ready == WAIT_READY else f"{given.wait_ready:g}s",
        "--thresholds": given.thresholds,
    }
    words += [word for flag, value in said.items() if value for word in (flag, value)]
    return shlex.join([*words, *options_of(made, without={"version_label", "wait_ready"})])
