// SPDX-License-Identifier: GPL-2.0
/*
 * Programs that make as much of a cheap thing as they can. What that costs is theirs: a
 * call ends in a time that is told, and at once when its caller is killed.
 */
#include "iommu_test.h"

#include <stdatomic.h>

#define COPIES_LOG2	14
#define RANGES		65536U
#define ENTRIES		4096U
/* On the debug kernel of a busy machine, for what takes a second at most */
#define PATIENCE_MS	20000

FIXTURE(bounds) {
	int unused;
};

FIXTURE_SETUP(bounds)
{
}

FIXTURE_TEARDOWN(bounds)
{
}

/* 2^@order areas over one page, by copies of copies. */
static int many_copies(int fd, __u32 ioas, void *page, int order)
{
	__u64 iova = IOVA_BASE;
	int i, rc;

	rc = iommu_map(fd, ioas, page, PAGE, iova);
	for (i = 0; i < order && !rc; i++) {
		iova = IOVA_BASE + (PAGE << i);
		rc = iommu_copy(fd, ioas, ioas, IOVA_BASE, PAGE << i,
				IOMMU_MAP_RW | IOMMU_IOAS_MAP_FIXED_IOVA,
				&iova);
	}
	return rc;
}

/* Copies until it is killed; tells @told when it has begun with the last. */
static void copier(int told)
{
	struct test_device d;
	void *page = mem_get(PAGE);
	int fd = iommu_open();
	__u32 ioas;

	if (fd < 0)
		_exit(4);
	if (!page || iommu_ioas_alloc(fd, &ioas) ||
	    test_device_make(fd, 0, ioas, &d) ||
	    many_copies(fd, ioas, page, COPIES_LOG2 - 1))
		_exit(1);
	if (write(told, "", 1) != 1)
		_exit(1);
	for (;;) {
		__u64 iova = IOVA_BASE + (PAGE << (COPIES_LOG2 - 1));

		if (iommu_copy(fd, ioas, ioas, IOVA_BASE,
			       PAGE << (COPIES_LOG2 - 1),
			       IOMMU_MAP_RW | IOMMU_IOAS_MAP_FIXED_IOVA,
			       &iova) ||
		    iommu_unmap(fd, ioas, iova, PAGE << (COPIES_LOG2 - 1),
				NULL))
			_exit(1);
	}
}

/* In a copy, or an unmap, of 2^13 areas over a page that has as many more. */
TEST_F_TIMEOUT(bounds, killed_in_copies, 120)
{
	int p[2], status;
	pid_t child;
	__u64 start;
	char c;

	ASSERT_EQ(0, pipe(p));
	child = fork();
	ASSERT_LE(0, child);
	if (!child)
		copier(p[1]);
	close(p[1]);
	if (read(p[0], &c, 1) == 1) {
		sleep_ms(50);
		start = now_ms();
		kill(child, SIGKILL);
		ASSERT_EQ(child, waitpid(child, &status, 0));
		TH_LOG("it has ended after %llu ms", now_ms() - start);
		EXPECT_GT(PATIENCE_MS, now_ms() - start);
		EXPECT_TRUE(WIFSIGNALED(status));
	} else {
		ASSERT_EQ(child, waitpid(child, &status, 0));
		if (WIFEXITED(status) && WEXITSTATUS(status) == 4)
			SKIP(return, "there is no /dev/iommu");
		EXPECT_EQ(0, status);
	}
	close(p[0]);
}

/* An array whose entries may be anywhere, where hardly anything may be. */
TEST_F_TIMEOUT(bounds, array_over_crumbs, 120)
{
	struct iommu_ioas_map_entry *e = calloc(ENTRIES, sizeof(*e));
	struct iommu_iova_range *ranges = calloc(RANGES, sizeof(*ranges));
	char *memory = mem_get(4 * PAGE);
	int fd = iommu_open();
	__u32 num = ENTRIES;
	__u64 start;
	__u32 ioas;

	if (fd == -ENOENT)
		SKIP(return, "there is no /dev/iommu");
	ASSERT_LE(0, fd);
	ASSERT_NE(NULL, e);
	ASSERT_NE(NULL, ranges);
	ASSERT_NE(NULL, memory);
	ASSERT_EQ(0, iommu_ioas_alloc(fd, &ioas));
	for (__u32 i = 0; i < RANGES; i++) {
		ranges[i].start = IOVA_BASE + i * PAGE;
		ranges[i].last = ranges[i].start + 1;
	}
	ranges[RANGES - 1].start = 1ULL << 40;
	ranges[RANGES - 1].last = 1ULL << 41;
	ASSERT_EQ(0, iommu_allow(fd, ioas, ranges, RANGES));
	for (__u32 i = 0; i < ENTRIES; i++) {
		e[i].flags = IOMMU_MAP_RW;
		e[i].user_va = (uintptr_t)memory;
		e[i].length = 2 * PAGE;
	}
	start = now_ms();
	ASSERT_EQ(0, iommu_map_array(fd, ioas, 0, e, &num, NULL));
	TH_LOG("%u entries after %llu ms", num, now_ms() - start);
	EXPECT_GT(PATIENCE_MS, now_ms() - start);
	EXPECT_EQ(ENTRIES, num);
	EXPECT_LE(1ULL << 40, e[0].iova);
	free(ranges);
	free(e);
	close(fd);
}

/* /proc shows so many objects one by one, and counts them all. */
TEST_F(bounds, fdinfo_of_many_objects)
{
	unsigned int i, lines = 0, total = 0;
	char path[64], line[256];
	__u32 id, last = 0;
	int fd = iommu_open();
	FILE *f;

	if (fd == -ENOENT)
		SKIP(return, "there is no /dev/iommu");
	ASSERT_LE(0, fd);
	for (i = 0; i < 1030; i++)
		ASSERT_EQ(0, iommu_ioas_alloc(fd, &last));
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "re");
	ASSERT_NE(NULL, f);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "iommu-object: %u", &id) == 1) {
			lines++;
			EXPECT_NE(last, id);
		}
		sscanf(line, "iommu-objects: %u", &total);
	}
	fclose(f);
	EXPECT_EQ(1024, lines);
	EXPECT_EQ(1030, total);
	close(fd);
}

/* Maps and unmaps until told to stop. */
struct mapper {
	int fd;
	__u32 ioas;
	void *memory;
	atomic_bool stop;
	atomic_bool broken;
};

static void *map_often(void *arg)
{
	struct mapper *m = arg;

	while (!atomic_load(&m->stop))
		if (iommu_map(m->fd, m->ioas, m->memory, PAGE, IOVA_BASE) ||
		    iommu_unmap(m->fd, m->ioas, IOVA_BASE, PAGE, NULL))
			atomic_store(&m->broken, true);
	return NULL;
}

/* Who looks waits for nobody who maps: the line says so, or has the figures. */
TEST_F(bounds, fdinfo_while_mapping)
{
	struct mapper m = { .memory = mem_get(PAGE) };
	bool busy = false, figures = false;
	static struct fdinfo info;
	struct test_device d;
	pthread_t thread;
	__u64 end;

	m.fd = iommu_open();
	if (m.fd == -ENOENT)
		SKIP(return, "there is no /dev/iommu");
	ASSERT_LE(0, m.fd);
	ASSERT_NE(NULL, m.memory);
	ASSERT_EQ(0, iommu_ioas_alloc(m.fd, &m.ioas));
	ASSERT_EQ(0, test_device_make(m.fd, 0, m.ioas, &d));
	ASSERT_EQ(0, pthread_create(&thread, NULL, map_often, &m));
	end = now_ms() + 2 * FOREVER_MS;
	while (!(busy && figures) && now_ms() < end) {
		ASSERT_EQ(0, fdinfo_read(0, m.fd, &info));
		if (strstr(info.text, " busy\n"))
			busy = true;
		else if (strstr(info.text, " areas="))
			figures = true;
	}
	atomic_store(&m.stop, true);
	pthread_join(thread, NULL);
	EXPECT_TRUE(busy);
	EXPECT_TRUE(figures);
	EXPECT_FALSE(atomic_load(&m.broken));
	close(m.fd);
}

TEST_HARNESS_MAIN
