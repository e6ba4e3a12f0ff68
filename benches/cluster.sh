#!/usr/bin/env bash
# What a training step of several machines costs: 1 to 4 processes, each in a network of its own whose cable has a limited rate in both
# directions, measured with `kinolens bench` and set against the model of docs/cluster.md. Needs root (network namespaces), iproute2
# with tc, Open MPI and python3.
#   benches/cluster.sh PROGRAM [MODEL [CLIP [RATE...]]]
# PROGRAM is built with the feature mpi; RATEs are megabits a second, 0 for a cable without a limit. The defaults take ten minutes.
set -euo pipefail
program=$(realpath "$1")
model=${2:-c3d}
clip=${3:-16,32,32}
shift $(($# < 3 ? $# : 3))
rates=("$@")
[ ${#rates[@]} -gt 0 ] || rates=(0 10000 1000)
most=4
work=$(mktemp -d)
id=kl$$
undo() {
    for i in $(seq "$most"); do ip netns del "$id-$i" 2> /dev/null || true; done
    ip netns del "$id-switch" 2> /dev/null || true
    rm -rf "$work"
}
trap undo EXIT

ip netns add "$id-switch"
ip -n "$id-switch" link add switch type bridge
ip -n "$id-switch" link set switch up
hosts=()
for i in $(seq "$most"); do
    ip netns add "$id-$i"
    ip link add eth0 netns "$id-$i" type veth peer name "port$i" netns "$id-switch"
    ip -n "$id-$i" addr add "10.79.0.$i/24" dev eth0
    ip -n "$id-$i" link set lo up
    ip -n "$id-$i" link set eth0 up
    ip -n "$id-switch" link set "port$i" master switch
    ip -n "$id-switch" link set "port$i" up
    hosts+=("10.79.0.$i")
done
# In place of ssh: called with a host and a command.
cat > "$work/agent" << SCRIPT
#!/bin/sh
machine=\${1##*.}
shift
exec ip netns exec $id-\$machine sh -c "\$*"
SCRIPT
chmod +x "$work/agent"

limit() { # limit MEGABITS: of every cable, in both directions
    for i in $(seq "$most"); do
        for place in "$id-$i eth0" "$id-switch port$i"; do
            read -r network device <<< "$place"
            tc -n "$network" qdisc del dev "$device" root 2> /dev/null || true
            [ "$1" = 0 ] || tc -n "$network" qdisc add dev "$device" root tbf rate "$1mbit" burst 512kb latency 100ms
        done
    done
}

export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 RAYON_NUM_THREADS=1
for rate in "${rates[@]}"; do
    limit "$rate"
    for count in $(seq "$most"); do
        list=$(IFS=,; echo "${hosts[*]:0:$count}")
        ip netns exec "$id-1" mpirun -n "$count" --host "$list" --leave-session-attached --mca plm_rsh_agent "$work/agent" --mca btl self,tcp \
            --mca btl_tcp_if_include 10.79.0.0/24 --mca oob_tcp_if_include 10.79.0.0/24 --mca mpi_yield_when_idle 1 \
            -x RAYON_NUM_THREADS "$program" bench --model "$model" --only train --batch 1 --clip "$clip" --rounds 5 --json \
            < /dev/null > "$work/$rate-$count.json"
    done
done

python3 - "$work" "$model" "${rates[@]}" << 'PYTHON'
import json, sys

work, model, rates = sys.argv[1], sys.argv[2], [int(r) for r in sys.argv[3:]]
USED = 0.94         # share of the nominal rate that numbers get: headers, and what TCP leaves
ALONE = 0.75        # share of the copying that does not go on while the cable is busy
MESSAGE = 1e-4      # seconds of each of 2 (N - 1) messages
def read(rate, count):
    found = json.load(open(f"{work}/{rate}-{count}.json"))["results"]
    of = {r["name"].removeprefix(f"{model}: train"): r["value"] for r in found}
    return of[""], of.get(", waiting", 0.0), of.get(", exchange", 0.0), of.get(", sent", 0)
# What the machine itself takes to copy and to add up, a byte sent: of cables without a limit.
copying = {n: read(0, n)[2] / read(0, n)[3] for n in range(2, 5)} if 0 in rates else {n: 0.0 for n in range(2, 5)}
print("rate, Mbit/s | processes | step, s | computing | waiting | exchange | sent, MB | modelled exchange | measured / modelled")
for rate in rates:
    for count in range(1, 5):
        step, waiting, exchange, sent = read(rate, count)
        line = f"{rate or 'none':>12} | {count} | {step:.3f} | {step - waiting - exchange:.3f} | {waiting:.3f} | {exchange:.3f} | {sent / 1e6:.1f}"
        if count > 1 and rate:
            modelled = sent * 8 / (USED * rate * 1e6) + 2 * (count - 1) * MESSAGE + ALONE * copying[count] * sent
            line += f" | {modelled:.3f} | {exchange / modelled:.2f}"
        print(line)
PYTHON
