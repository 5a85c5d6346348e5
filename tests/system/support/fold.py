# SPDX-License-Identifier: Apache-2.0
"""An independent fold over the journal's lines: what is counted, and so what each checkpoint has to say."""

CHARGED = ("create", "start")  # classes whose forced run time counts; of changes only a lease


def _element(line, state):
    user = {name: line["user"][name] for name in ("id", "name", "domain") if name in line.get("user", {})}
    instance = {name: value for name, value in line.get("instance", {}).items() if name != "storage"}
    row = {"id": line["id"], "time": line["time"], "project": line.get("project"), "user": user or None,
           "instance": instance or None, "state": state, "operation": line.get("operation"),
           "orphan": True if line["event"] == "orphan" else None}
    return {name: value for name, value in row.items() if value is not None}


class Fold:
    """rows: {id: element of a checkpoint}, oldest first."""

    def __init__(self):
        self.rows = {}
        self._classes = {}

    def _existing(self, instance):
        return next((row for row in self.rows.values()
                     if row["state"] == "existing" and row["instance"].get("id") == instance), None)

    def _close(self, row, line):
        outcome, told = line["outcome"], line.get("instance", {})
        if outcome == "created":
            instance = row.setdefault("instance", {})
            instance.update({name: told[name] for name in ("id",) if name in told})
            if line["event"] == "settled" and told.get("flavor"):
                instance["flavor"] = told["flavor"]
            row["state"] = "existing"
        elif outcome == "unknown":
            row["state"] = "unknown"
        elif outcome == "done":
            self._finish(row)
        else:
            del self.rows[row["id"]]

    def _finish(self, row):
        kind, instance = self._classes[row["id"]], row.get("instance", {})
        lease = row["operation"] == "notebooks.lease"
        if (kind in CHARGED or lease) and "auto_stop_s" in instance:
            row["state"] = "spent"
            return
        del self.rows[row["id"]]
        existing = self._existing(instance.get("id")) if kind == "change" and not lease else None
        if existing is not None and instance.get("flavor"):
            existing["instance"]["flavor"] = instance["flavor"]

    def add(self, line):
        event, ours = line["event"], line.get("id")
        row = self.rows.get(ours)
        if event == "intent" or (event == "orphan" and self._existing(line["instance"]["id"]) is None):
            self.rows[ours] = _element(line, "existing" if event == "orphan" else "reserved")
            self._classes[ours] = line.get("class")
        elif event == "outcome" and row and row["state"] == "reserved":
            self._close(row, line)
        elif event == "settled" and row and row["state"] in ("unknown", "existing") and line["outcome"] != "unknown":
            self._close(row, line)


def _without_spent(rows):
    return [row for row in rows if row["state"] != "spent"]


def check_checkpoints(journal):
    """Each checkpoint is the fold of all lines before it; what is spent may have been dropped. Gives the fold."""
    fold = Fold()
    for line in journal.lines:
        if line["event"] == "checkpoint":
            have, want = line["open"], list(fold.rows.values())
            assert _without_spent(have) == _without_spent(want), f"checkpoint {line['seq']} isn't the lines before it"
            assert [row for row in want if row in have] == have, f"checkpoint {line['seq']}: spent"
        fold.add(line)
    return fold
