"""JupyterHub for a class on one machine, where each student has an account.

    python -m venv /srv/vlmteach/env
    /srv/vlmteach/env/bin/pip install jupyterhub jupyterlab nbgitpuller .
    npm install --prefix /srv/vlmteach configurable-http-proxy
    /srv/vlmteach/env/bin/jupyterhub --config lecture/hub/jupyterhub_config.py

SHARED holds what all have in common and only the lecturer may write: the environment, the weights, and folders to
hand in to. Students get the lessons by a link of nbgitpuller. `lecture/RUNNING.md` says how to fill the folders, and
the page *Plan* how much memory a class needs.
"""

from __future__ import annotations

from pathlib import Path

SHARED = Path("/srv/vlmteach")
IDLE_SECONDS = 30 * 60

c = get_config()  # type: ignore[name-defined]  # noqa: F821

c.JupyterHub.bind_url = "http://127.0.0.1:8000"  # in front of it stands a web server with the room's certificate
c.ConfigurableHTTPProxy.command = [str(SHARED / "node_modules" / ".bin" / "configurable-http-proxy")]
c.JupyterHub.authenticator_class = "pam"
c.Authenticator.allow_all = True  # whoever has an account
c.LocalAuthenticator.create_system_users = False

c.Spawner.cmd = [str(SHARED / "env" / "bin" / "jupyterhub-singleuser")]
c.Spawner.default_url = "/lab"
c.Spawner.environment = {
    "HF_HOME": str(SHARED / "weights" / "huggingface"),
    "HF_HUB_OFFLINE": "1",  # nobody can write there, so nobody is to try
    "TORCH_HOME": str(SHARED / "weights" / "torch"),
    "OMP_NUM_THREADS": "1",  # torch would start a thread for each core of the machine in every kernel
}
# The local spawner tells the server its limit and does not enforce it; systemd's and Kubernetes' do.
c.Spawner.mem_limit = "3G"
# The memory of a lesson that is over is its kernel's: one that is idle is ended, also under an open page.
c.Spawner.args = [
    f"--MappingKernelManager.cull_idle_timeout={IDLE_SECONDS}",
    "--MappingKernelManager.cull_interval=60",
    "--MappingKernelManager.cull_connected=True",
]
