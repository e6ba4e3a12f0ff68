#!/bin/bash
# A training on 4 machines under SLURM:  sbatch docs/slurm.sh DATA RUN [further arguments of kinolens train]
# Submitted again (or requeued, when a machine fails), it goes on where the last checkpoint left it.
#SBATCH --job-name=kinolens
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=16
#SBATCH --time=12:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --signal=B:USR1@300
set -u
data=$1 run=$2
shift 2

# Five minutes before its time is over the training is asked to stop with a checkpoint, and the job queues again.
again=false
trap 'again=true; echo stop > "$run/control"' USR1

if [ -f "$run/config.ron" ]; then
    begin=(--resume "$run")
else
    begin=(--out "$run" "$@")
fi
# One process a machine. Where SLURM was built without PMIx:  mpirun --map-by node kinolens train …
srun --mpi=pmix --kill-on-bad-exit=1 kinolens train "$data" "${begin[@]}" &
training=$!
while kill -0 "$training" 2> /dev/null; do
    wait "$training"
    code=$?
done
if $again; then
    scontrol requeue "$SLURM_JOB_ID"
fi
exit "$code"
