# SPDX-License-Identifier: BSD-3-Clause
"""certs: a certificate authority for one test and browsers that trust it."""

import os
import subprocess


def _quiet(argv):
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


class Authority:
    """Keeps its files in `folder`; they die with the test."""

    def __init__(self, folder):
        self.folder = folder
        self.cert = os.path.join(folder, "ca.pem")
        self.key = os.path.join(folder, "ca.key")
        _quiet(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                "-subj", "/CN=Floe test authority", "-keyout", self.key,
                "-out", self.cert, "-addext",
                "keyUsage=critical,keyCertSign"])

    def issue(self, address, *others):
        """A server certificate for an IP address: (cert path, key path)."""
        subjects = ",".join(("IP:" if one[-1].isdigit() else "DNS:") + one
                            for one in (address, *others))
        base = os.path.join(self.folder, address)
        _quiet(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                "-subj", f"/CN={address}", "-CA", self.cert,
                "-CAkey", self.key, "-addext", f"subjectAltName={subjects}",
                "-addext", "basicConstraints=critical,CA:FALSE",
                "-keyout", base + ".key", "-out", base + ".pem"])
        return base + ".pem", base + ".key"

    def issue_expired(self, address):
        """The same, but it ended yesterday."""
        base = os.path.join(self.folder, f"expired-{address}")
        with open(base + ".ext", "w", encoding="utf-8") as extensions:
            extensions.write(f"subjectAltName=IP:{address}\n"
                             "basicConstraints=critical,CA:FALSE\n")
        _quiet(["openssl", "req", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:P-256", "-nodes", "-subj",
                f"/CN={address}", "-keyout", base + ".key", "-out",
                base + ".csr"])
        _quiet(["openssl", "x509", "-req", "-in", base + ".csr", "-CA",
                self.cert, "-CAkey", self.key, "-CAcreateserial", "-days",
                "-1", "-extfile", base + ".ext", "-out", base + ".pem"])
        return base + ".pem", base + ".key"

    def trust(self, home):
        """Make a browser with this HOME trust the authority."""
        store = os.path.join(home, ".pki/nssdb")
        os.makedirs(store)
        _quiet(["certutil", "-d", f"sql:{store}", "-N", "--empty-password"])
        _quiet(["certutil", "-d", f"sql:{store}", "-A", "-t", "C,,", "-n",
                "floe-test", "-i", self.cert])
