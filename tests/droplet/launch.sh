#!/bin/sh
# launch.sh CONSOLE_LOG CGROUP_DIRECTORY... -- COMMAND...   with DROPLET_CACHE and DROPLET_ROOT set
# Runs the command in the background, in the control groups, and again whenever it ends with 133: that is how
# systemd-nspawn says that the machine inside asked for a reboot. Prints the id of the process that watches over it.
set -eu

if [ "$1" = --keep ]; then
    groups=$2
    shift 2
    # This is a mount namespace of its own. Let go of the other droplets' disks, or they would stay in use until this one ends.
    awk -v under="$DROPLET_CACHE/" -v own="$DROPLET_ROOT" 'index($5, under) == 1 && $5 != own { print $5 }' /proc/self/mountinfo |
        while read -r other; do umount --lazy "$other" || true; done
    while :; do
        status=0
        sh -c 'for g in $1; do echo $$ >"$g/cgroup.procs"; done; shift; exec "$@"' run "$groups" "$@" || status=$?
        [ "$status" = 133 ] || exit "$status"
    done
fi
console=$1 groups=
shift
while [ "$1" != -- ]; do
    groups="$groups $1"
    shift
done
shift
for group in $groups; do
    # Version 2 wants a control group to have processes or groups below it, not both.
    [ ! -e "$group/cgroup.subtree_control" ] || { group=$group/keeper && mkdir -p "$group"; }
    echo $$ >"$group/cgroup.procs"
done
setsid unshare --mount --propagation private sh "$0" --keep "$groups" "$@" </dev/null >>"$console" 2>&1 &
echo $!
