# SPDX-License-Identifier: Apache-2.0
"""A receiver that we didn't write: Debian's rsyslog."""

import json

from support.process import Process
from support.waiting import wait_for

GLOBAL = """
global(workDirectory="{folder}" maxMessageSize="2m"
       defaultNetstreamDriverCAFile="{ca}" defaultNetstreamDriverCertFile="{certificate}" defaultNetstreamDriverKeyFile="{key}")
template(name="all" type="list") {{ property(name="jsonmesg") constant(value="\\n") }}
ruleset(name="keep") {{ action(type="omfile" file="{folder}/all" template="all") }}
"""
INPUTS = {
    "tcp": 'module(load="imtcp") input(type="imtcp" address="127.0.0.1" port="0" listenPortFileName="{folder}/port" ruleset="keep")',
    "tls": 'module(load="imtcp" streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="x509/name" '
           'permittedPeer="client.example")\n'
           'input(type="imtcp" address="127.0.0.1" port="0" listenPortFileName="{folder}/port" ruleset="keep")',
    "unix": 'module(load="imuxsock" sysSock.use="off")\n'
            'input(type="imuxsock" socket="{folder}/socket" useSpecialParser="off" useSysTimestamp="off" ignoreTimestamp="off" '
            'rateLimit.interval="0" ruleset="keep")',
}


class Rsyslog(Process):
    def __init__(self, folder, kind, pki):
        self.folder, self.kind, self.tls = folder, kind, kind == "tls"
        names = {"folder": folder, "ca": pki.ca, "certificate": pki.certificate("server"), "key": pki.key("server")}
        (folder / "rsyslog.conf").write_text((GLOBAL + INPUTS[kind]).format(**names) + "\n")
        super().__init__("rsyslogd", ["/usr/sbin/rsyslogd", "-n", "-f", folder / "rsyslog.conf", "-i", folder / "pid"])
        wait_for(lambda: self._listens() or not self.running, "rsyslogd")
        assert self.running, self.stderr

    def _listens(self):
        port = self.folder / "port"
        return (self.folder / "socket").exists() or (port.exists() and port.read_text().strip())

    @property
    def address(self):
        return f"unix:{self.folder}/socket" if self.kind == "unix" else \
            f"{self.kind}:127.0.0.1:{int((self.folder / 'port').read_text())}"

    def messages(self):
        path = self.folder / "all"
        return [json.loads(line) for line in path.read_text().split("\n")[:-1]] if path.exists() else []
