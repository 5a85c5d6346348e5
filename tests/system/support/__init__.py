# SPDX-License-Identifier: Apache-2.0
"""What the system tests share: processes, certificates, clients, readers. Standard library only."""
