"""The workload `session`: conversations whose answers are checked.

`scenario.py` reads what a conversation looks like (the TOML files in `scenarios/` ship with Katydid), `templates.py`
fills it in, `conversation.py` checks it; `user.py` sends it.
"""

from katydid.model.workload import Workload, register
from katydid.workloads.session.analysis import session_summary
from katydid.workloads.session.section import session_section

register(
    Workload(
        name="session",
        user="katydid.workloads.session.user:SessionUser",
        summarise=session_summary,
        sections=(session_section,),
    )
)
