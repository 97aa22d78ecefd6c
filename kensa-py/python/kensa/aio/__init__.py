"""The same calls for asyncio: coroutines, and results as they come.

No call blocks the event loop, and no thread of the engine enters the interpreter: a descriptor tells the loop
when there is something to read. Cancelling a task ends its operation and what that runs on the host.

```python
async with kensa.connect("web-1.example.com", user="audit", sudo=True) as session:
    async for result in session.scan():
        print(result.status, result.rule_id)
```
"""

from __future__ import annotations

from ..hosts import HostScan
from ..reach import Reachability
from ._detect import detect_capabilities, detect_platform, quick_host_info, reachable
from ._hosts import check_hosts
from ._scan import Scan, check_rules_from_path, check_single_rule, evaluate_rule, scan
from ._session import Connecting, Session, connect, local

__all__ = [
    "Connecting",
    "HostScan",
    "Reachability",
    "Scan",
    "Session",
    "check_hosts",
    "check_rules_from_path",
    "check_single_rule",
    "connect",
    "detect_capabilities",
    "detect_platform",
    "evaluate_rule",
    "local",
    "quick_host_info",
    "reachable",
    "scan",
]
