// SPDX-License-Identifier: GPL-2.0
/*
 * Calls that nobody would make, in an order that nobody would choose, from several
 * threads, with memory that goes away and steps inside that fail.
 *
 *	iommu_fuzz				a short run, as a test
 *	iommu_fuzz --seed N [--calls N] [--minutes N] [--threads N] [--guided]
 *		   [--corpus DIR]
 *	iommu_fuzz --replay NAME [--threads N] [--verbose]
 *	iommu_fuzz --replay NAME --print	the same as a program in C
 *	iommu_fuzz --seed N --calls N --print	all sequences of a run, as text
 *
 * A run is sequences of up to 128 calls, each in a process of its own. The seed and a
 * sequence's number make it; if KCOV guides it (--guided, --corpus), half of them are changed
 * from one that has reached something new. The name of a sequence, a row of numbers, says
 * how it came to be and so is all that is needed to make it again. It stands in the kernel's
 * log before what the sequence brings about, and whatever the kernel reports says by the
 * name of the task which call it was: "Comm: 812:17" is call 17 of the sequence with number
 * 812.
 */
#include <dirent.h>
#include <getopt.h>
#include <pthread.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "fuzz/calls.h"
#include "fuzz/fuzz.h"

#define CORPUS_MAX	8192
#define NAME_ROOM	(LINEAGE_MAX * 17 + 1)
#define PATIENCE_S	120
#define CGROUP		"/tmp/fuzz.cgroup"

struct options {
	__u64 seed;
	unsigned long calls;
	unsigned long minutes;
	unsigned int threads;
	const char *corpus;
	const char *replay;
	bool guided;
	bool print;
	bool verbose;
};

struct lineage {
	__u64 seed[LINEAGE_MAX];
	unsigned int seeds;
};

static struct lineage corpus[CORPUS_MAX];
static unsigned int corpus_num;
static struct run_stats *stats;
static int kmsg = -1;
static bool has_cover, has_cgroup;
/* Of the console, before */
static char level[8];

/* --- what a sequence runs in --- */

struct worker {
	pthread_t thread;
	struct runner r;
	struct sequence *s;
	pthread_barrier_t *start;
};

static void *work(void *arg)
{
	struct worker *w = arg;

	/* Before anybody closes a number that another has just got */
	fz_fail_fd();
	pthread_barrier_wait(w->start);
	run_sequence(&w->r);
	return NULL;
}

static void run_threads(const struct options *o, struct sequence *s, const char *label)
{
	static struct worker w[FZ_THREADS];
	bool ready = false;
	pthread_barrier_t start;
	unsigned int t;

	pthread_barrier_init(&start, NULL, o->threads);
	for (t = 0; t < o->threads; t++) {
		w[t].s = s;
		if (t) {
			w[t].s = malloc(sizeof(*s));
			if (!w[t].s)
				_exit(2);
			memcpy(w[t].s->seed, s->seed, sizeof(s->seed));
			w[t].s->seeds = s->seeds;
			sequence_make(w[t].s, t);
		}
		w[t].start = &start;
		w[t].r = (struct runner){
			.s = w[t].s, .thread = t, .alone = o->threads == 1,
			.ready = &ready, .verbose = o->verbose, .stats = stats,
		};
		snprintf(w[t].r.label, sizeof(w[t].r.label), "%s", label);
		if (t && pthread_create(&w[t].thread, NULL, work, &w[t]))
			_exit(2);
	}
	cover_start();
	work(&w[0]);
	for (t = 1; t < o->threads; t++)
		pthread_join(w[t].thread, NULL);
}

static long pinned_kib(void)
{
	char text[4096], *line;
	int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	close(fd);
	if (n < 0)
		return -1;
	text[n] = 0;
	line = strstr(text, "VmPin:");
	return line ? atol(line + 6) : -1;
}

static long refs_of(int fd, unsigned long va, unsigned long length)
{
	struct iommu_test_cmd cmd = {
		.size = sizeof(cmd),
		.op = IOMMU_TEST_OP_MD_CHECK_REFS,
		.check_refs = { .length = length, .uptr = va },
	};

	return fz_rc(ioctl(fd, IOMMU_TEST_CMD, &cmd));
}

/* All is closed: nothing may be pinned, or charged. */
static void check_end(const struct sequence *s)
{
	struct iommu_test_cmd limit = {
		.size = sizeof(limit),
		.op = IOMMU_TEST_OP_SET_TEMP_MEMORY_LIMIT,
		.memory_limit.limit = 32768,
	};
	char name[NAME_ROOM];
	unsigned int i;
	long kib;
	int fd;

	sequence_name(s, name, sizeof(name));
	for (i = 0; (kib = pinned_kib()) > 0 && i < 400; i++)
		usleep(5000);
	if (kib > 0) {
		printf("# BAD: all is closed, and %ld KiB are pinned\n# BAD: --replay %s\n",
		       kib, name);
		stats->bad++;
	}
	fd = (int)fz_open(0);
	if (fd < 0)
		return;
	ioctl(fd, IOMMU_TEST_CMD, &limit);
	for (i = 0; i < FZ_LENGTH / FZ_PAGE; i++)
		if (refs_of(fd, FZ_ANON + i * FZ_PAGE, FZ_PAGE) == -EIO ||
		    refs_of(fd, FZ_SHARED + i * FZ_PAGE, FZ_PAGE) == -EIO) {
			printf("# BAD: all is closed, and page %u is pinned\n# BAD: --replay %s\n",
			       i, name);
			stats->bad++;
			break;
		}
	close(fd);
}

static void child(const struct options *o, struct sequence *s, const char *label)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (run_setup(o->threads))
		_exit(2);
	run_threads(o, s, label);
	while (wait(NULL) > 0 || errno == EINTR)
		;
	close_range(3, ~0U, 0);
	check_end(s);
	fflush(stdout);
	_exit(0);
}

static void show_stacks(pid_t pid)
{
	char path[64], line[256];
	struct dirent *d;
	DIR *tasks;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	tasks = opendir(path);
	while (tasks && (d = readdir(tasks))) {
		if (d->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%.16s/stack", pid, d->d_name);
		f = fopen(path, "re");
		printf("# task %s\n", d->d_name);
		while (f && fgets(line, sizeof(line), f))
			printf("#   %s", line);
		if (f)
			fclose(f);
	}
	if (tasks)
		closedir(tasks);
}

/* Returns false when it did not end. */
static bool wait_for(pid_t pid, int *status, time_t seconds)
{
	struct timespec t = { seconds, 0 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	for (;;) {
		if (waitpid(pid, status, WNOHANG) == pid)
			return true;
		if (sigtimedwait(&set, NULL, &t) < 0 && errno == EAGAIN)
			return waitpid(pid, status, WNOHANG) == pid;
	}
}

/* One of sixteen has a few MB only. */
static bool small_memory(const struct sequence *s)
{
	return has_cgroup && mix(s->seed[0], 77) % 16 == 0;
}

static void run_one(const struct options *o, struct sequence *s, const char *label)
{
	char name[NAME_ROOM], line[NAME_ROOM + 64];
	bool small = small_memory(s);
	int status = 0, n;
	pid_t pid;

	sequence_name(s, name, sizeof(name));
	n = snprintf(line, sizeof(line), "<4>iommu_fuzz: %s: --replay %s --threads %u\n", label,
		     name, o->threads);
	if (kmsg >= 0 && write(kmsg, line, (size_t)n) != n)
		kmsg = -1;
	fflush(stdout);
	pid = fork();
	/* The kernel has lost what a process needs, and nothing is tried from here on. */
	if (pid < 0) {
		printf("# BAD: no process: %s\n# BAD: --replay %s --threads %u\n",
		       strerror(errno), name, o->threads);
		exit(1);
	}
	if (!pid) {
		if (small)
			write_text(CGROUP "/small/cgroup.procs", "0");
		child(o, s, label);
	}
	if (!wait_for(pid, &status, PATIENCE_S)) {
		printf("# BAD: it does not end\n# BAD: --replay %s --threads %u\n", name,
		       o->threads);
		show_stacks(pid);
		stats->bad++;
		kill(pid, SIGKILL);
		if (!wait_for(pid, &status, PATIENCE_S)) {
			printf("# BAD: nor when it is killed\n");
			show_stacks(pid);
			exit(1);
		}
	} else if (!(WIFEXITED(status) && !WEXITSTATUS(status)) &&
		   !(small && WIFSIGNALED(status))) {
		printf("# BAD: it ended with status 0x%x\n# BAD: --replay %s --threads %u\n",
		       status, name, o->threads);
		stats->bad++;
	}
}

/* --- which sequences --- */

static void add_to_corpus(const struct sequence *s)
{
	struct lineage *l;

	if (corpus_num == CORPUS_MAX)
		return;
	l = &corpus[corpus_num++];
	memcpy(l->seed, s->seed, sizeof(l->seed));
	l->seeds = s->seeds;
}

static void keep(const struct options *o, const struct sequence *s)
{
	char name[NAME_ROOM], path[256];
	FILE *f;

	add_to_corpus(s);
	if (!o->corpus)
		return;
	snprintf(path, sizeof(path), "%s/sequences", o->corpus);
	sequence_name(s, name, sizeof(name));
	f = fopen(path, "ae");
	if (!f)
		return;
	fprintf(f, "%s\n", name);
	fclose(f);
}

static void load_corpus(const struct options *o)
{
	char line[NAME_ROOM + 1], path[256];
	struct sequence s;
	FILE *f;

	snprintf(path, sizeof(path), "%s/sequences", o->corpus);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		if (sequence_from_name(&s, line))
			add_to_corpus(&s);
	}
	if (f)
		fclose(f);
}

static void choose(const struct options *o, struct sequence *s, unsigned long number)
{
	__u64 r = mix(mix(o->seed, number), 1000);
	const struct lineage *l;

	s->seeds = 1;
	s->seed[0] = mix(o->seed, number) >> 16;
	if (corpus_num && r % 2) {
		l = &corpus[(r >> 8) % corpus_num];
		if (l->seeds < LINEAGE_MAX) {
			memcpy(s->seed, l->seed, sizeof(s->seed));
			s->seeds = l->seeds + 1;
			s->seed[l->seeds] = r >> 32;
		}
	}
	sequence_make(s, 0);
}

static unsigned long seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (unsigned long)t.tv_sec;
}

static void tell(const char *what, unsigned long since, unsigned long sequences)
{
	printf("# %s: %lu s, %lu sequences, %lu calls (%lu succeeded, %lu failed inside)", what,
	       seconds() - since, sequences, stats->calls, stats->ok, stats->injected);
	printf(", %lu faults", stats->faults);
	if (has_cover)
		printf(", coverage %u, corpus %u", cover_distinct(), corpus_num);
	printf(", reports: %lu\n", stats->bad);
	fflush(stdout);
}

static void run_many(const struct options *o)
{
	unsigned long start = seconds(), told = start, number;
	static struct sequence s;
	char label[16];

	for (number = 0;; number++) {
		if (o->calls && stats->calls >= o->calls)
			break;
		if (o->minutes && seconds() - start >= 60 * o->minutes)
			break;
		choose(o, &s, number);
		snprintf(label, sizeof(label), "%lu", number);
		run_one(o, &s, label);
		if (cover_collect() && has_cover)
			keep(o, &s);
		if (o->minutes && seconds() - told >= 30) {
			told = seconds();
			tell("so far", start, number + 1);
		}
	}
	tell("all", start, number);
}

static void print_many(const struct options *o)
{
	static struct sequence s;
	unsigned long number, calls = 0;

	for (number = 0; calls < o->calls; number++) {
		choose(o, &s, number);
		calls += s.num;
		print_program(stdout, &s);
	}
}

/* --- surroundings --- */

static void prepare(void)
{
	sigset_t set;
	FILE *f;

	if (!injectors_ready())
		puts("# without failures: the kernel has no failure injection");
	write_text("/proc/sys/kernel/printk_devkmsg", "on");
	/* On the console warnings, and which sequence it is; not each device of the mock */
	f = fopen("/proc/sys/kernel/printk", "re");
	if (f && fscanf(f, "%7s", level) == 1)
		write_text("/proc/sys/kernel/printk", "5");
	if (f)
		fclose(f);
	kmsg = fz_keep(open("/dev/kmsg", O_WRONLY | O_CLOEXEC));

	mkdir(CGROUP, 0755);
	if (!mount("none", CGROUP, "cgroup2", 0, NULL) &&
	    write_text(CGROUP "/cgroup.subtree_control", "+memory") &&
	    !mkdir(CGROUP "/small", 0755) &&
	    write_text(CGROUP "/small/memory.max", "4194304"))
		has_cgroup = true;
	else
		puts("# without a limit of memory: no cgroup2 with its controller of memory");

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	stats = mmap(NULL, sizeof(*stats), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		     -1, 0);
}

static void clean_up(void)
{
	if (level[0])
		write_text("/proc/sys/kernel/printk", level);
	rmdir(CGROUP "/small");
	umount(CGROUP);
	rmdir(CGROUP);
}

static unsigned int devices_left(void)
{
	DIR *dir = opendir("/sys/bus/iommufd_mock/devices");
	unsigned int n = 0;
	struct dirent *d;

	while (dir && (d = readdir(dir)))
		n += d->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return n;
}

/* --- as a test --- */

static unsigned int cases, failures;

static void result(bool ok, const char *name)
{
	cases++;
	failures += !ok;
	printf("%s %u %s\n", ok ? "ok" : "not ok", cases, name);
	fflush(stdout);
}

static bool same_again(void)
{
	static struct sequence a, b;
	unsigned int i;

	for (i = 0; i < 50; i++) {
		memset(&a, 0, sizeof(a));
		memset(&b, 0, sizeof(b));
		a.seeds = 3;
		a.seed[0] = i;
		a.seed[1] = 2 * i;
		a.seed[2] = 3 * i;
		b.seeds = 3;
		memcpy(b.seed, a.seed, sizeof(a.seed));
		sequence_make(&a, i % 2);
		sequence_make(&b, i % 2);
		if (a.num != b.num || memcmp(a.call, b.call, a.num * sizeof(a.call[0])))
			return false;
	}
	return true;
}

/* What calls can do to a file by its number, with all numbers */
static void try_files(void)
{
	__u64 fd;

	for (fd = 0; fd < 2 * FZ_FDS; fd++) {
		fz_truncate(fd, FZ_PAGE);
		fz_punch(fd, 0, FZ_PAGE);
		fz_seal(fd, F_SEAL_WRITE);
		fz_nonblock(fd, 1);
		fz_close(fd);
	}
}

static bool own_files_stay(void)
{
	int status = -1;
	pid_t pid = fork();

	if (!pid) {
		cover_open();
		try_files();
		cover_touch();
		_exit(kmsg >= 0 && write(kmsg, "<7>iommu_fuzz\n", 14) != 14);
	}
	return pid > 0 && wait_for(pid, &status, PATIENCE_S) && !status;
}

static bool run_short(void)
{
	struct options o = { .seed = 1, .calls = 1500, .threads = 1 };

	memset(stats, 0, sizeof(*stats));
	corpus_num = 0;
	run_many(&o);
	return !stats->bad && stats->ok > stats->calls / 10;
}

static int run_tests(void)
{
	if (access("/dev/iommu", F_OK)) {
		printf("1..0 # SKIP there is no /dev/iommu\n");
		return 4;
	}
	printf("TAP version 13\n1..4\n");
	/* Nothing guides it: what a short run finds should not depend on what it has found. */
	prepare();
	result(same_again(), "the same seed makes the same calls");
	result(own_files_stay(), "no call gets at the program's own files");
	result(run_short(), "calls of one thread");
	result(!devices_left(), "no device of the mock is left");
	clean_up();
	return failures ? 1 : 0;
}

static void tell_operations(void)
{
	unsigned int i, e;

	for (i = 0; i < op_count(); i++) {
		printf("# %-30s %7lu calls, %6lu us each, %7lu succeeded",
		       op_at(i)->name, stats->per_op[i],
		       stats->us_op[i] / (stats->per_op[i] ?: 1), stats->ok_op[i]);
		for (e = 0; e < ARRAY_LEN(stats->errno_op[i]); e++)
			if (stats->errno_op[i][e])
				printf(" %s:%lu", strerrorname_np((int)e),
				       stats->errno_op[i][e]);
		printf("\n");
	}
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "seed", 1, NULL, 's' },    { "calls", 1, NULL, 'c' },
		{ "minutes", 1, NULL, 'm' }, { "threads", 1, NULL, 't' },
		{ "corpus", 1, NULL, 'd' },  { "replay", 1, NULL, 'r' },
		{ "guided", 0, NULL, 'g' },  { "print", 0, NULL, 'p' },
		{ "verbose", 0, NULL, 'v' },
		{},
	};
	struct options o = { .threads = 1 };
	static struct sequence s;
	int c;

	fz_main(argc, argv);
	if (argc == 1)
		return run_tests();
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 's':
			o.seed = strtoull(optarg, NULL, 0);
			break;
		case 'c':
			o.calls = strtoul(optarg, NULL, 0);
			break;
		case 'm':
			o.minutes = strtoul(optarg, NULL, 0);
			break;
		case 't':
			o.threads = (unsigned int)strtoul(optarg, NULL, 0);
			break;
		case 'd':
			o.corpus = optarg;
			o.guided = true;
			break;
		case 'g':
			o.guided = true;
			break;
		case 'r':
			o.replay = optarg;
			break;
		case 'p':
			o.print = true;
			break;
		case 'v':
			o.verbose = true;
			break;
		default:
			return 2;
		}
	}
	if (!o.threads || o.threads > FZ_THREADS || optind != argc)
		return 2;
	if (!o.calls && !o.minutes)
		o.calls = 10000;
	if (o.replay) {
		if (!sequence_from_name(&s, o.replay))
			return 2;
		sequence_make(&s, 0);
	}
	if (o.print) {
		if (o.replay)
			print_program(stdout, &s);
		else
			print_many(&o);
		return 0;
	}
	prepare();
	has_cover = o.guided && cover_open();
	if (o.replay) {
		run_one(&o, &s, "replay");
		tell("replay", seconds(), 1);
	} else {
		if (o.corpus)
			load_corpus(&o);
		run_many(&o);
		tell_operations();
	}
	clean_up();
	return stats->bad || devices_left() ? 1 : 0;
}
