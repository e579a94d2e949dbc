/* A CUDA driver whose GPU is the host's memory: the real pycuda runs on it where there is no GPU.
 *
 * It knows what the TensorRT back end needs and is stricter than a GPU: every call that needs a context fails
 * where none is current, copies must lie within one allocation, and when the process ends it tells on stderr
 * what was not given back. A call that it does not know (tests/host_gpu.py adds those by name) is told and fails.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { OK = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, INVALID_CONTEXT = 201, NOT_SUPPORTED = 801 };
enum { DEEPEST = 64, MOST = 4096 };

typedef struct { char *start; size_t size; } Block;

static Block on_device[MOST], on_host[MOST];
static int context;                     /* its address is the primary context's handle */
static int retained, streams, events, mistakes;
static __thread int pushed;

static int mistake(int code, const char *call, const char *why) {
    mistakes++;
    fprintf(stderr, "host driver: %s: %s\n", call, why);
    return code;
}

int host_driver_refuses(const char *call) { return mistake(NOT_SUPPORTED, call, "not offered"); }

static int usable(const char *call) {
    if (!retained) return mistake(INVALID_CONTEXT, call, "no context is retained");
    if (!pushed) return mistake(INVALID_CONTEXT, call, "no context is current");
    return OK;
}
#define NEEDS_CONTEXT do { int code = usable(__func__); if (code) return code; } while (0)

static int left(const Block *blocks) {
    int count = 0;
    for (int i = 0; i < MOST; i++) count += blocks[i].start != NULL;
    return count;
}

static int take(Block *blocks, void **address, size_t size) {
    for (int i = 0; i < MOST; i++) {
        if (blocks[i].start) continue;
        /* Filled with what is no number, so that nobody reads what was not written. */
        blocks[i].start = aligned_alloc(512, (size + 511) / 512 * 512);
        if (!blocks[i].start) return OUT_OF_MEMORY;
        memset(blocks[i].start, 0xff, size);
        blocks[i].size = size;
        *address = blocks[i].start;
        return OK;
    }
    return OUT_OF_MEMORY;
}

static int give_back(Block *blocks, const char *call, void *address) {
    for (int i = 0; i < MOST; i++) {
        if (blocks[i].start != address) continue;
        memset(blocks[i].start, 0xff, blocks[i].size);
        free(blocks[i].start);
        blocks[i].start = NULL;
        return OK;
    }
    return mistake(INVALID_VALUE, call, "frees what is not allocated");
}

static int within(const Block *blocks, const void *address, size_t size) {
    const char *start = address;
    for (int i = 0; i < MOST; i++)
        if (blocks[i].start && start >= blocks[i].start && start + size <= blocks[i].start + blocks[i].size)
            return 1;
    return 0;
}

__attribute__((destructor)) static void report(void) {
    fprintf(stderr, "host driver: left: %d contexts, %d on the device, %d pinned, %d streams, %d events; %d mistakes\n",
            retained, left(on_device), left(on_host), streams, events, mistakes);
}

int cuInit(unsigned flags) { return flags ? INVALID_VALUE : OK; }
int cuDriverGetVersion(int *version) { *version = 13000; return OK; }
int cuGetErrorString(int code, const char **text) {
    *text = code == INVALID_CONTEXT ? "invalid device context" : code == OUT_OF_MEMORY ? "out of memory" : "invalid";
    return OK;
}
int cuDeviceGetCount(int *count) { *count = 1; return OK; }
int cuDeviceGet(int *device, int index) { *device = index; return index ? INVALID_VALUE : OK; }
int cuDeviceGetName(char *name, int size, int device) { (void)device; snprintf(name, size, "Host memory"); return OK; }
int cuDeviceComputeCapability(int *major, int *minor, int device) { (void)device; *major = 9; *minor = 0; return OK; }

int cuDevicePrimaryCtxRetain(void **handle, int device) { (void)device; retained++; *handle = &context; return OK; }
int cuDevicePrimaryCtxRelease_v2(int device) {
    (void)device;
    if (!retained) return mistake(INVALID_CONTEXT, __func__, "given back too often");
    if (--retained == 0 && (left(on_device) || streams || events))
        mistake(OK, __func__, "the context goes before what lives in it");
    return OK;
}
int cuCtxPushCurrent_v2(void *handle) {
    if (handle != &context || !retained) return mistake(INVALID_CONTEXT, __func__, "no such context");
    if (pushed >= DEEPEST) return mistake(INVALID_VALUE, __func__, "pushed and never popped");
    pushed++;
    return OK;
}
int cuCtxPopCurrent_v2(void **handle) {
    if (!pushed) return mistake(INVALID_CONTEXT, __func__, "no context is current");
    pushed--;
    if (handle) *handle = &context;
    return OK;
}
int cuCtxGetDevice(int *device) { NEEDS_CONTEXT; *device = 0; return OK; }
int cuCtxSynchronize(void) { NEEDS_CONTEXT; return OK; }

int cuMemAlloc_v2(void **address, size_t size) { NEEDS_CONTEXT; return take(on_device, address, size); }
int cuMemFree_v2(void *address) { NEEDS_CONTEXT; return give_back(on_device, __func__, address); }
int cuMemHostAlloc(void **address, size_t size, unsigned flags) {
    (void)flags;
    NEEDS_CONTEXT;
    return take(on_host, address, size);
}
int cuMemFreeHost(void *address) { NEEDS_CONTEXT; return give_back(on_host, __func__, address); }
int cuMemcpyHtoDAsync_v2(void *device, const void *host, size_t size, void *stream) {
    NEEDS_CONTEXT;
    if (!stream || !within(on_device, device, size) || !within(on_host, host, size))
        return mistake(INVALID_VALUE, __func__, "not from pinned memory to the device's, by a stream");
    memcpy(device, host, size);
    return OK;
}
int cuMemcpyDtoHAsync_v2(void *host, const void *device, size_t size, void *stream) {
    NEEDS_CONTEXT;
    if (!stream || !within(on_device, device, size) || !within(on_host, host, size))
        return mistake(INVALID_VALUE, __func__, "not from the device's memory to pinned, by a stream");
    memcpy(host, device, size);
    return OK;
}

int cuStreamCreate(void **stream, unsigned flags) {
    (void)flags;
    NEEDS_CONTEXT;
    streams++;
    *stream = malloc(1);
    return OK;
}
int cuStreamDestroy_v2(void *stream) { NEEDS_CONTEXT; streams--; free(stream); return OK; }
int cuStreamSynchronize(void *stream) { (void)stream; NEEDS_CONTEXT; return OK; }

int cuEventCreate(void **event, unsigned flags) {
    (void)flags;
    NEEDS_CONTEXT;
    events++;
    *event = calloc(1, sizeof(struct timespec));
    return OK;
}
int cuEventDestroy_v2(void *event) { NEEDS_CONTEXT; events--; free(event); return OK; }
int cuEventRecord(void *event, void *stream) {
    (void)stream;
    NEEDS_CONTEXT;
    clock_gettime(CLOCK_MONOTONIC, event);
    return OK;
}
int cuEventElapsedTime_v2(float *ms, const struct timespec *from, const struct timespec *to) {
    NEEDS_CONTEXT;
    *ms = (to->tv_sec - from->tv_sec) * 1e3f + (to->tv_nsec - from->tv_nsec) * 1e-6f;
    return OK;
}
int cuEventElapsedTime(float *ms, const struct timespec *from, const struct timespec *to) {
    return cuEventElapsedTime_v2(ms, from, to);
}
