"""As much of SLURM as a test needs: `sbatch` runs the script at once, in a session of its own."""

from __future__ import annotations

from pathlib import Path

SBATCH = """\
if grep -q -- '--partition=nowhere' "$1"; then echo "sbatch: error: invalid partition specified" >&2; exit 1; fi
id=$((1000 + $(ls {folder}/*.pid 2>/dev/null | wc -l)))
export SLURM_JOB_ID=$id SLURM_NTASKS=1 SLURM_JOB_NUM_NODES=1 SLURM_NODEID=0 SLURM_PROCID=0 SLURM_LOCALID=0
setsid bash "$1" >/dev/null 2>&1 </dev/null &
echo $! >{folder}/$id.pid
echo "Submitted batch job $id"
"""
SRUN = """\
while [[ $1 == --* ]]; do
    case $1 in
        --output) out=${2//%j/$SLURM_JOB_ID}; shift 2;;
        --error) err=${2//%j/$SLURM_JOB_ID}; shift 2;;
        *) shift;;
    esac
done
exec "$@" >>"${out//%t/0}" 2>>"${err//%t/0}"
"""
SACCT = """\
echo "JobID|State|NodeList"
for file in {folder}/*.pid; do
    state=COMPLETED; kill -0 $(cat $file) 2>/dev/null && state=RUNNING
    echo "$(basename $file .pid)|$state|node1"
done
"""
SCANCEL = """\
for id in "$@"; do kill -TERM -- -$(cat {folder}/$id.pid); done
"""


def install(folder: Path) -> Path:
    """Put the commands into a folder, to be found on PATH."""
    folder.mkdir()
    for name, text in {"sbatch": SBATCH, "srun": SRUN, "sacct": SACCT, "scancel": SCANCEL}.items():
        (folder / name).write_text("#!/bin/bash\n" + text.replace("{folder}", str(folder)))
        (folder / name).chmod(0o755)
    return folder
