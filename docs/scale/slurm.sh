#!/bin/bash
# One training run on several nodes under SLURM, which survives preemption and time limits.
#
#   sbatch docs/scale/slurm.sh vision/cifar10 data.path=DATA
#   sbatch --array=0-2 docs/scale/slurm.sh vision/cifar10 data.path=DATA     one run a task, its number the seed
#
# Set: nodes, GPUs a node, cores a GPU, time, partition; VICREG_RUNS, a folder that all nodes see.
# Watch: the job's log for "resumed after step"; RUN/metrics.jsonl; `vicreg report RUN` at any moment.
#
#SBATCH --job-name=vicreg
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=4
#SBATCH --cpus-per-task=32
#SBATCH --time=24:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=%x-%A-%a.log
# Two minutes before the end of its time, and when it is preempted: every step finishes and writes its checkpoint.
#SBATCH --signal=USR1@120
set -u

recipe=${1:?the recipe, e.g. vision/cifar10}
shift
runs=${VICREG_RUNS:-runs}
name=$(basename "$recipe" .yaml)
if [[ -n ${SLURM_ARRAY_TASK_ID:-} ]]; then
    name=$name-$SLURM_ARRAY_TASK_ID
    set -- "$@" "seed=$SLURM_ARRAY_TASK_ID"
fi

head=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
port=$((20000 + SLURM_JOB_ID % 20000))

# The same command each time: --resume begins a run that is not there, and goes on with one that is.
srun --kill-on-bad-exit=1 torchrun \
    --nnodes="$SLURM_NNODES" \
    --nproc-per-node="${SLURM_GPUS_ON_NODE:-1}" \
    --max-restarts=3 \
    --rdzv-id="$SLURM_JOB_ID" \
    --rdzv-backend=c10d \
    --rdzv-endpoint="$head:$port" \
    -m vicreg_core train "$recipe" "$@" --out "$runs/$name" --resume
status=$?

# Stopped with a checkpoint, by SIGUSR1 or SIGTERM: in the queue again, to go on. A run that failed by its own mistake
# has said so and is not.
if [[ $status -ne 0 ]] && tail -n 20 "$runs/$name/train.log" 2>/dev/null | grep -q "stopped by a signal"; then
    job=$SLURM_JOB_ID
    if [[ -n ${SLURM_ARRAY_TASK_ID:-} ]]; then
        job=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID
    fi
    echo "stopped with status $status; queued again"
    scontrol requeue "$job"
fi
exit $status
