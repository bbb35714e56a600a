#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vm.sh - run one command in a virtual machine, or a shell
#
#   scripts/vm.sh [OPTION...] [-- COMMAND [ARG...]]
#
#   --kernel fast|debug|kcsan|gcov|mutants|upstream|type1|stock|image
#                                  default fast; built when it is not there. stock
#                                  is Debian's own with our modules, x86_64 alone;
#                                  what it has as modules is loaded for 9p, NVMe and
#                                  virtio-net.
#                                  STOCK_ROOT: see initramfs.sh. image is that of
#                                  make deb-image, with its vfio-pci; --sealed, if
#                                  it has no 9p
#   --arch x86_64|arm64            default $ARCH, or else the host's
#   --iommu vtd|vtd-base|virtio|none
#                                  x86_64: default vtd: an Intel VT-d unit in
#                                  scalable mode, with our driver or the base
#                                  tree's
#   --iommu smmuv3|smmuv3-base|virtio|none
#                                  arm64: default smmuv3: an Arm SMMUv3 of two
#                                  stages; with smmuv3-base the base tree's driver
#                                  has it, in the kernel "upstream"
#   --granule 4k|8k|16k|64k        of the virtio-iommu, default that of the CPU
#   --reserve START:LAST:KIND      addresses that it does not translate, as often as
#                                  wanted: 0 reserved, 1 for interrupts. Only where
#                                  the machine says nothing itself: arm64 with
#                                  --machine its=off
#   --machine PROPERTY             a property of QEMU's machine (its=off)
#   --acpi                         arm64: UEFI firmware and ACPI tables, not a
#                                  device tree
#   --device DEVICE                a QEMU device, as often as wanted, see below
#   --root SIZE                    boot from an NVMe disk of SIZE (1200M, 2G)
#                                  with the guest's root on it, nvme1
#   --qmp                          the guest can talk to QEMU's monitor: run-qmp
#   --qemu-trace EVENT[,EVENT...]  QEMU's own trace events, one a line, go to
#                                  $B/log/vm-NAME.trace
#   --qemu-plugin FILE[,ARG=VALUE] a plugin for QEMU
#   --append "ARGS"                further kernel arguments
#   --smp N, --mem MB              default 2, with --icount 1, and 2048
#   --timeout S                    default 900 with a COMMAND, none for a shell
#   --icount                       the guest clock counts instructions: 1 ns is one.
#                                  Several CPUs take turns
#   --sealed PROGRAM[,PROGRAM...]  x86_64: nothing is shared with the host: the VM has
#                                  these programs and no /host, its clock and its
#                                  random numbers begin the same each time, and
#                                  what the COMMAND prints comes at the end. With
#                                  --icount two runs are the same to the instruction
#   --log NAME                     kernel messages go to $B/log/vm-NAME.log
#
# Devices: any of QEMU's with its properties, or one of these, properties after a
# comma too. The first of a kind has id=KIND1, the second KIND2 ...
#   edu            test device with a DMA engine
#   nvme[:SIZE]    an NVMe disk, default 64M, empty
#   igb, e1000e, virtio-net
#                  a network card; all those of a VM are on one hub with nothing
#                  else, igb1 with the address 52:54:00:00:00:01. virtio-net does
#                  DMA through the IOMMU as the others do
#   port           a PCIe root port to plug something into: nvme,bus=port1
#
# With --qmp, in the VM:
#   run-qmp '{"execute": "device_del", "arguments": {"id": "nvme1"}}' \
#           [EVENT [SECONDS]]
# prints the answer and waits for EVENT (DEVICE_DELETED); --help says more. Such
# a VM can do to the host what the user who started it can.
#
# The current directory is /host in the VM and is where COMMAND starts; our
# static programs are in PATH. One COMMAND without ARGs is a line for sh.
# Without COMMAND: an interactive shell (exit, or Ctrl-A x, leaves it).
#
# stdout and stderr are the command's, and so is the exit status, except:
#   122  the VM ended without a status    124  it took longer than --timeout
#   123  the kernel crashed or warned     125  the VM could not be started
# each with a line on stderr that says so and the kernel's last messages.

. "$(dirname "$0")/lib.sh"
help_if_asked "$@"
. "$SCRIPTS/packages.sh"

kernel=fast iommu='' acpi='' smp='' mem=2048 timeout='' icount='' log=$$
append='' devices=() root='' root_image='' qmp='' qemu_trace='' plugin='' sealed=''
properties='' granule='' reserve=()

cannot() { say "vm.sh: $*"; exit 125; }
# Nothing before the VM ends this without a word, or with what could be its status.
trap 'cannot "line $LINENO failed with status $?"' ERR

while [ $# -gt 0 ]; do
	case $1 in
	--icount) icount=1; shift; continue ;;
	--qmp) qmp=1; shift; continue ;;
	--acpi) acpi=1; shift; continue ;;
	--) shift; break ;;
	--*) [ $# -ge 2 ] || cannot "$1 needs a value (--help)" ;;
	*) cannot "unknown argument $1: a command comes after -- (--help)" ;;
	esac
	case $1 in
	--kernel) kernel=$2 ;;
	--arch) ARCH=$2 ;;
	--iommu) iommu=$2 ;;
	--device) devices+=("$2") ;;
	--granule) granule=$2 ;;
	--reserve) reserve+=("$2") ;;
	--machine) properties=$properties,$2 ;;
	--root) root=$2 ;;
	--qemu-trace) qemu_trace=$2 ;;
	--qemu-plugin) plugin=$2 ;;
	--append) append="$append $2" ;;
	--smp) smp=$2 ;;
	--mem) mem=$2 ;;
	--timeout) timeout=$2 ;;
	--sealed) sealed=$2 ;;
	--log) log=$2 ;;
	*) cannot "unknown option $1 (--help)" ;;
	esac
	shift 2
done

(for_arch "${ARCH:-$HOST_ARCH}") || exit 125
for_arch "${ARCH:-$HOST_ARCH}"
qemu_for "$arch"
case $arch in
x86_64) own=vtd boots=vmlinux ;;
arm64) own=smmuv3 boots=arch/arm64/boot/Image ;;
esac
[ -z "$sealed" ] || [ $# -gt 0 ] || cannot "--sealed needs a COMMAND (--help)"
[ -z "$sealed" ] || [ "$arch:$qmp:$root" = x86_64:: ] ||
	cannot "--sealed is x86_64's, without --qmp and --root"
[ "$arch$acpi" != x86_641 ] || cannot "--acpi is arm64's: an x86_64 machine has it anyway"
# The base tree as shipped has its own driver alone.
case $kernel in
stock)
	[ "$arch" = x86_64 ] || cannot "the kernel stock is x86_64's"
	boots=vmlinuz root_image=--stock iommu=${iommu:-$own-base}
	;;
image)
	[ "$arch" = x86_64 ] || cannot "the kernel image is started on x86_64 alone"
	boots=vmlinuz root_image=--image
	;;
upstream | type1) iommu=${iommu:-$own-base} ;;
esac
iommu=${iommu:-$own}
# What is wrong with the options is said before a kernel is built for them.
case $iommu in
"$own" | "$own-base" | virtio | none) ;;
*) cannot "--iommu $iommu: $own, $own-base, virtio or none" ;;
esac
[ "$iommu" = virtio ] || [ -z "$granule${reserve[*]}" ] ||
	cannot "--granule and --reserve are of --iommu virtio"
[ -n "$timeout" ] || { [ $# -gt 0 ] && timeout=900 || timeout=0; }
[ -n "$smp" ] || smp=$((icount ? 1 : 2))
qemu_is_new_enough ||
	cannot "QEMU 10 or newer is needed ($QEMU); run scripts/setup.sh $arch"

image=$(kernel_dir "$kernel")/$boots
[ "$root_image" != --stock ] || [ -z "${STOCK_ROOT-}" ] || image=$STOCK_ROOT.vmlinuz
[ -f "$image" ] || [ -n "$root_image" ] ||
	image=$("$SCRIPTS/kernel.sh" --arch "$arch" "$kernel") ||
	cannot "there is no $kernel kernel of $arch"
# shellcheck disable=SC2086
initramfs=$("$SCRIPTS/initramfs.sh" --arch "$arch" $root_image) || cannot "there is no initramfs"
mkdir -p "$LOG" "$A/programs"
console=$LOG/vm-$log.log
: >"$console"
# What another machine removes as it ends, between the two looks that find has at it, is
# gone all the same: this one has to start.
find "$LOG" -ignore_readdir_race -name "vm-[0-9]*.log" -mtime +0 -delete 2>/dev/null || :
find "$B" -ignore_readdir_race -maxdepth 1 -name "disks.*" -mtime +0 \
	-exec rm -rf {} + 2>/dev/null || :

tmp=$(mktemp -d) qemu_pid='' tty='' disks=''
[ ! -t 0 ] || tty=$(stty -g)
# shellcheck disable=SC2317
clean_up() {
	trap - EXIT INT TERM HUP
	if [ -n "$qemu_pid" ]; then
		kill "$qemu_pid" 2>/dev/null
		wait "$qemu_pid" 2>/dev/null
	fi
	[ -z "$tty" ] || stty "$tty" 2>/dev/null
	rm -rf "$tmp" ${disks:+"$disks"}
}
trap 'clean_up' EXIT
trap 'clean_up; exit 130' INT
trap 'clean_up; exit 143' TERM HUP

mkdir "$tmp/ctl"
comma() { printf '%s' "${1//,/,,}"; }

args=(-nodefaults -no-user-config -display none -no-reboot
	-smp "$smp" -m "$mem" -kernel "$image"
	-chardev "file,id=ttyS0,path=$(comma "$console")"
	-serial chardev:ttyS0)
share() {
	args+=(-fsdev "local,id=$1,path=$(comma "$2"),security_model=none,multidevs=remap$3"
		-device "virtio-9p-pci,fsdev=$1,mount_tag=$1")
}
if [ -z "$sealed" ]; then
	args+=(-initrd "$initramfs" -device virtio-serial-pci)
	share host "$PWD" ''
	share programs "$A/programs" ',readonly=on'
	share ctl "$tmp/ctl" ''
fi

# A second archive behind the first; the kernel unpacks both. What comes from the host
# at a moment of its own, be it a file, is seen in what the guest does next: so there
# is none of that, and the consoles are UARTs, which QEMU serves at once.
seal() {
	local program
	mkdir "$tmp/sealed"
	mkdir "$tmp/sealed/programs" "$tmp/sealed/ctl"
	cp "$tmp/ctl/command" "$tmp/sealed/ctl/"
	for program in ${sealed//,/ }; do
		cp "$A/programs/$program" "$tmp/sealed/programs/" ||
			cannot "--sealed: there is no program $program"
	done
	"$SCRIPTS/cpio.sh" "$tmp/sealed" >"$tmp/sealed.gz" || cannot "--sealed: no archive"
	cat "$initramfs" "$tmp/sealed.gz" >"$tmp/initrd"
	: >"$tmp/ttyS1"
	: >"$tmp/ttyS2"
	args+=(-initrd "$tmp/initrd" -seed 1
		-rtc "base=2026-01-01T00:00:00,clock=vm"
		-chardev "file,id=ttyS1,path=$(comma "$tmp")/ttyS1" -serial chardev:ttyS1
		-chardev "file,id=ttyS2,path=$(comma "$tmp")/ttyS2" -serial chardev:ttyS2)
}

cmdline="loglevel=8 panic=-1"
# The platform devices of models have no reset driver, and need none.
cmdline="$cmdline vfio_platform.reset_required=0"
# On a busy host a disk's answer may take long, and is not lost for that.
cmdline="$cmdline nvme_core.io_timeout=600 nvme_core.admin_timeout=600"
case $kernel in
stock | image) cmdline="$cmdline panic_on_warn=1" ;;
debug) cmdline="$cmdline panic_on_warn=1 hung_task_panic=1 watchdog_thresh=60" ;;
esac
# A time stamp at each lock is for who looks at /proc/lock_stat, and turns it on.
[ "$kernel" != debug ] || cmdline="$cmdline lockdep.lock_stat=0"
case $append in
*kunit.*) ;;
*) cmdline="$cmdline kunit.enable=0" ;;
esac

# Its list of regions can be written as JSON only.
virtio_iommu() {
	local json='"driver": "virtio-iommu-pci", "bus": "pcie.0"' regions='' region

	[ -z "$granule" ] || json="$json, \"granule\": \"$granule\""
	for region in ${reserve[@]+"${reserve[@]}"}; do
		[[ $region =~ ^0x[0-9a-f]+:0x[0-9a-f]+:[01]$ ]] ||
			cannot "--reserve $region is not 0xSTART:0xLAST:KIND"
		regions="$regions${regions:+, }\"$region\""
	done
	[ -z "$regions" ] || json="$json, \"reserved-regions\": [$regions]"
	args+=(-device "{$json}")
}

x86_64_iommu() {
	case $iommu in
	vtd | vtd-base)
		machine=$machine,kernel-irqchip=split
		scalable='x-scalable-mode'
		"$QEMU" -device intel-iommu,help 2>/dev/null | grep -q " $scalable=" ||
			scalable='scalable-mode'
		args+=(-device "intel-iommu,intremap=on,$scalable=on")
		if [ "$iommu" = vtd ]; then
			cmdline="$cmdline intel_iommu=off iommufd.vtd=on"
		else
			cmdline="$cmdline intel_iommu=on,sm_on"
		fi
		;;
	virtio) virtio_iommu ;;
	none) cmdline="$cmdline iommu.passthrough=1" ;;
	esac
}

x86_64_machine() {
	machine=q35
	args+=(-cpu max)
	cmdline="console=ttyS0 earlyprintk=ttyS0 reboot=t $cmdline"
	# On a busy host the guest may calibrate the TSC wrongly by a factor of
	# twenty, and its seconds with it. The HPET is QEMU's own clock. Nor does
	# every timer interrupt come within the moment that the guest waits for them.
	# A clock of instructions is exact; the local APIC's timer fails Linux' test there,
	# which with several CPUs lasts for minutes.
	if [ -n "$icount" ]; then
		cmdline="$cmdline nolapic_timer"
	else
		cmdline="$cmdline clocksource=hpet tsc=unstable no_timer_check"
	fi
	x86_64_iommu
}

arm64_iommu() {
	case $iommu in
	smmuv3 | smmuv3-base)
		machine=$machine,iommu=smmuv3
		"$QEMU" -M virt -device arm-smmuv3,help 2>/dev/null | grep -q ' stage=' ||
			cannot "this QEMU's SMMUv3 cannot nest"
		args+=(-global "arm-smmuv3.stage=nested")
		# The VM's own file systems and consoles are behind it, too.
		args+=(-global "virtio-device.iommu_platform=on"
			-global "virtio-9p-pci.disable-legacy=on"
			-global "virtio-serial-pci.disable-legacy=on")
		;;
	virtio) virtio_iommu ;;
	none) cmdline="$cmdline iommu.passthrough=1" ;;
	esac
}

arm64_machine() {
	machine=virt,gic-version=3
	# The architecture's own pointer authentication is very slow to emulate.
	args+=(-cpu "max,pauth-impdef=on")
	cmdline="console=ttyAMA0 earlycon $cmdline"
	if [ -n "$acpi" ]; then
		firmware=/usr/share/qemu-efi-aarch64/QEMU_EFI.fd
		[ -f "$firmware" ] ||
			cannot "$firmware is missing; run scripts/setup.sh arm64"
		args+=(-bios "$firmware")
		cmdline="$cmdline acpi=force"
	else
		machine=$machine,acpi=off
	fi
	arm64_iommu
}

case $arch in
x86_64) x86_64_machine ;;
arm64) arm64_machine ;;
esac
args=(-M "$machine$properties" "${args[@]}")

# Disks are gone with the VM. They are not in /tmp, which may be memory.
make_disks() {
	[ -n "$disks" ] || disks=$(mktemp -d "$B/disks.XXXXXX") ||
		cannot "there is no room for disks in $B"
}

declare -A seen
nics=0
add_device() { # DEVICE
	local head=${1%%,*} rest='' kind size id
	case $1 in
	*,*) rest=,${1#*,} ;;
	esac
	kind=${head%%:*}
	size=${head#"$kind"}
	size=${size#:}
	case $kind in
	nvme | port | igb | e1000e | virtio-net | edu) ;;
	*)
		args+=(-device "$1")
		return
		;;
	esac
	[ -z "$size" ] || [ "$kind" = nvme ] || cannot "$kind takes no :$size"
	seen[$kind]=$((${seen[$kind]-0} + 1))
	id=$kind${seen[$kind]}
	case $rest in
	*,id=*) cannot "--device $1: its id is $id" ;;
	esac
	case $kind in
	edu) head=edu,dma_mask=0xffffffffffff ;;
	port) head=pcie-root-port,chassis=${seen[port]},slot=${seen[port]} ;;
	nvme)
		make_disks
		[ -f "$disks/$id" ] || truncate -s "${size:-64M}" "$disks/$id" ||
			cannot "nvme:$size is not a size"
		args+=(-blockdev "file,node-name=disk-$id,discard=unmap,filename=$(comma "$disks")/$id")
		head=nvme,drive=disk-$id,serial=$id
		;;
	igb | e1000e | virtio-net)
		nics=$((nics + 1))
		args+=(-netdev "hubport,id=net-$id,hubid=1")
		head=$kind
		[ "$kind" != virtio-net ] ||
			head=virtio-net-pci,disable-legacy=on,iommu_platform=on
		head=$head,netdev=net-$id,romfile=
		# Its virtual functions take two slots, 16 further on.
		case $kind$rest in
		igb*,bus=* | igb*,addr=*) ;;
		igb*) head=$head,addr=$(printf %x $((2 * ${seen[igb]} + 6))) ;;
		esac
		head=$head,mac=$(printf '52:54:00:00:00:%02x' "$nics")
		;;
	esac
	args+=(-device "$head,id=$id$rest")
}

if [ -n "$root" ]; then
	mke2fs=$(PATH=$PATH:/usr/sbin:/sbin command -v mke2fs) ||
		cannot "mke2fs is missing; run scripts/setup.sh"
	make_disks
	truncate -s "$root" "$disks/nvme1" || cannot "--root $root: no size"
	"$mke2fs" -q -t ext4 -F -E root_owner=0:0 -d "$A/initramfs" \
		"$disks/nvme1" >"$tmp/mke2fs" 2>&1 || {
		cat "$tmp/mke2fs" >&2
		cannot "there is no file system of $root"
	}
	add_device nvme
	cmdline="$cmdline root=serial:nvme1"
fi
for d in ${devices[@]+"${devices[@]}"}; do
	add_device "$d"
done

# The port's other end is QEMU's monitor, within the same process.
if [ -n "$qmp" ]; then
	# shellcheck disable=SC2054
	args+=(-chardev "socket,id=qmp,path=$(comma "$tmp")/qmp,server=on,wait=off"
		-mon chardev=qmp,mode=control
		-chardev "socket,id=qmp-port,path=$(comma "$tmp")/qmp"
		-device virtserialport,chardev=qmp-port,name=qmp)
fi
if [ -n "$qemu_trace" ]; then
	: >"$LOG/vm-$log.trace"
	for d in ${qemu_trace//,/ }; do
		args+=(-trace "enable=$d")
	done
	args+=(-D "$LOG/vm-$log.trace")
fi
[ -z "$plugin" ] || args+=(-plugin "$plugin")
if [ -n "$icount" ]; then
	args+=(-icount "shift=0,sleep=off")
elif [ "$iommu" = virtio ]; then
	# Each attach changes the machine's memory map, of which QEMU 10.0 with a thread for
	# each CPU makes no certain use when the host is busy: an access to a register gets
	# lost, and the base tree's virtio-iommu driver waits for ever with interrupts off, or
	# QEMU aborts (iotlb_to_section: Assertion). With one thread the CPUs take turns.
	args+=(-accel "tcg,tb-size=512,thread=single")
else
	args+=(-accel "tcg,tb-size=512")
fi
args+=(-append "$cmdline$append")

run_shell() {
	[ -t 0 ] || cannot "a shell needs a terminal; give a COMMAND after --"
	stty size | {
		read -r rows cols
		echo "exec 3>/dev/hvc0; stty -F /dev/hvc0 rows $rows cols $cols" \
			>"$tmp/ctl/shell"
	}
	say "Kernel messages: $console. Leave with exit or Ctrl-A x."
	"$QEMU" "${args[@]}" -chardev stdio,id=hvc0,mux=on,signal=off \
		-device virtconsole,chardev=hvc0
	qemu_rc=$?
}

# QEMU must not outlive us, however we end: hence the parent-death signals.
run_qemu() { # ARGUMENT...
	setpriv --pdeathsig TERM timeout --foreground -k 5 "$timeout" \
		setpriv --pdeathsig KILL "$QEMU" "${args[@]}" "$@" \
		</dev/null >"$tmp/qemu" 2>&1 &
	qemu_pid=$!
	wait "$qemu_pid"
	qemu_rc=$?
	qemu_pid=''
}

run_command() {
	if [ $# -eq 1 ]; then
		printf '%s\n' "$1"
	else
		printf 'exec'
		for a; do
			printf " '%s'" "${a//\'/\'\\\'\'}"
		done
		echo
	fi >"$tmp/ctl/command"
	if [ -n "$sealed" ]; then
		seal
		run_qemu
		cat "$tmp/ttyS1"
		cat "$tmp/ttyS2" >&2
		sed -n 's/^init: status \([0-9]*\).*/\1/p' "$console" >"$tmp/status"
		[ ! -s "$tmp/status" ] || mv "$tmp/status" "$tmp/ctl/status"
		return
	fi
	mkfifo "$tmp/out" "$tmp/err"
	cat "$tmp/out" &
	cat_out=$!
	cat "$tmp/err" >&2 &
	cat_err=$!
	run_qemu -chardev "file,id=hvc0,path=$(comma "$tmp")/out" \
		-device virtconsole,chardev=hvc0 \
		-chardev "file,id=hvc1,path=$(comma "$tmp")/err" \
		-device virtconsole,chardev=hvc1
	# QEMU that never opened them leaves the readers waiting.
	: 1<>"$tmp/out" 1<>"$tmp/err"
	wait "$cat_out" "$cat_err"
}

trap - ERR
set +e
if [ $# -eq 0 ]; then
	run_shell
else
	run_command "$@"
fi

splats='Kernel panic|WARNING: |BUG: |Oops: |KASAN: |UBSAN: |ODEBUG: |INFO: (task|possible|trying|rcu)|suspicious RCU|general protection fault|Internal error: |Unable to handle kernel|SError Interrupt|watchdog: |detected stalls'
gave() { # STATUS WHAT
	say "vm.sh: $2. The kernel's last messages, from $console:"
	tail -n "${3:-20}" "$console" | tr -d '\r' | sed 's/^/  | /' >&2
	exit "$1"
}

[ "$qemu_rc" != 124 ] || gave 124 "no end after $timeout s"
# A data race of the base tree's is no crash: who looks for races judges the reports.
[ "$kernel" != kcsan ] || splats=${splats/BUG: /BUG: ([^K]|K[^C])}
# What there is no harm in: what every virtual machine of some kernels says, and the
# remarks of an x86 unwinder that lost its way on a stack, which depends on the moment.
calm="NMI watchdog: Perf NMI watchdog permanently disabled|WARNING: (can't access (iret )?registers at|missing (R10|R13|RDI|DX) value at|kernel stack (regs|frame pointer) at .* has bad|stack recursion on stack type|stack going in the wrong direction)"
n=$(grep -nE "$splats" "$console" | grep -vE "$calm" | head -n 1 | cut -d: -f1)
if [ -n "$n" ]; then
	say "vm.sh: the kernel crashed or warned; from line $n of $console:"
	tail -n "+$n" "$console" | head -n 120 | tr -d '\r' | sed 's/^/  | /' >&2
	exit 123
fi
if [ ! -f "$tmp/ctl/status" ]; then
	[ $# -gt 0 ] || exit 0
	cat "$tmp/qemu" >&2
	[ -s "$console" ] || cannot "QEMU ended at once (status $qemu_rc)"
	gave 122 "the VM ended without a status (QEMU: $qemu_rc)"
fi
exit "$(cat "$tmp/ctl/status")"
