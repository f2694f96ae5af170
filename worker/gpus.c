#include "worker/gpus.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "common/sys/log.h"

/* The part of NVML's interface that is used. */
struct nvml {
    int (*init)(void);
    int (*shutdown)(void);
    int (*count)(unsigned *count);
    int (*handle)(unsigned index, void **device);
    int (*uuid)(void *device, char *text, unsigned size);
};

static bool symbol(void *library, const char *name, void *function)
{
    void *found = dlsym(library, name);

    /* POSIX lets a function pointer be read out of dlsym's answer, ISO C does not say so. */
    memcpy(function, &found, sizeof(found));
    return found != NULL;
}

static bool nvml_load(void *library, struct nvml *nvml)
{
    return symbol(library, "nvmlInit_v2", &nvml->init) &&
           symbol(library, "nvmlShutdown", &nvml->shutdown) &&
           symbol(library, "nvmlDeviceGetCount_v2", &nvml->count) &&
           symbol(library, "nvmlDeviceGetHandleByIndex_v2", &nvml->handle) &&
           symbol(library, "nvmlDeviceGetUUID", &nvml->uuid);
}

/* All devices of the machine; uuids of those whose is not known are empty. */
static uint32_t nvml_ask(const struct nvml *nvml, char (*uuids)[GPU_UUID_BYTES])
{
    unsigned count = 0;

    if (nvml->init() != 0)
        return 0;
    if (nvml->count(&count) != 0)
        count = 0;
    if (count > LIMIT_GPUS)
        count = LIMIT_GPUS;
    for (unsigned i = 0; i < count; i++) {
        void *device;

        uuids[i][0] = '\0';
        if (nvml->handle(i, &device) == 0)
            (void)nvml->uuid(device, uuids[i], GPU_UUID_BYTES);
    }
    (void)nvml->shutdown();
    return count;
}

static uint32_t machine_gpus(char (*uuids)[GPU_UUID_BYTES])
{
    void *library = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
    struct nvml nvml;
    uint32_t count = 0;

    if (library == NULL)
        return 0;
    if (nvml_load(library, &nvml))
        count = nvml_ask(&nvml, uuids);
    (void)dlclose(library);
    return count;
}

/* The device that a word of the list names; count: none. */
static uint32_t word_find(const char *word, size_t size, uint32_t count,
                          char (*uuids)[GPU_UUID_BYTES])
{
    uint32_t number = 0;

    if (size > 4 && strncmp(word, "GPU-", 4) == 0) {
        for (uint32_t i = 0; i < count; i++)
            if (strncmp(uuids[i], word, size) == 0)
                return i;
        return count;
    }
    if (size == 0 || size > 4)
        return count;
    for (size_t i = 0; i < size; i++) {
        if (word[i] < '0' || word[i] > '9')
            return count;
        number = number * 10 + (uint32_t)(word[i] - '0');
    }
    return number < count ? number : count;
}

static bool has_device(const struct gpus *gpus, uint32_t device)
{
    for (uint32_t i = 0; i < gpus->count; i++)
        if (gpus->device[i] == device)
            return true;
    return false;
}

void gpus_select(struct gpus *gpus, uint32_t count, char (*uuids)[GPU_UUID_BYTES],
                 const char *visible)
{
    gpus->count = 0;
    for (uint32_t i = 0; visible == NULL && i < count; i++)
        gpus->device[gpus->count++] = i;
    while (visible != NULL && *visible != '\0') {
        size_t skip = strspn(visible, " ");
        size_t size = strcspn(visible + skip, ", ");
        uint32_t device = word_find(visible + skip, size, count, uuids);

        if (device == count || has_device(gpus, device))
            return;
        gpus->device[gpus->count++] = device;
        visible += skip + size;
        visible += strspn(visible, " ");
        visible += *visible == ',';
    }
}

void gpus_detect(struct gpus *gpus)
{
    static char uuids[LIMIT_GPUS][GPU_UUID_BYTES];
    const char *fake = getenv("ASSAY_FAKE_GPUS");
    uint32_t count;

    if (fake != NULL) {
        unsigned long wanted = strtoul(fake, NULL, 10);

        gpus_select(gpus, wanted < LIMIT_GPUS ? (uint32_t)wanted : LIMIT_GPUS, uuids, NULL);
        return;
    }
    count = machine_gpus(uuids);
    gpus_select(gpus, count, uuids, getenv("CUDA_VISIBLE_DEVICES"));
}

void gpus_say(struct gpus *gpus, uint32_t count)
{
    uint32_t next = 0;

    for (uint32_t i = 0; i < gpus->count; i++)
        if (gpus->device[i] >= next)
            next = gpus->device[i] + 1;
    if (count > gpus->count)
        log_line(LOG_WARNING, "gpus", "%u gpus are asked for, %u were found", count, gpus->count);
    while (gpus->count < count && next < LIMIT_GPUS)
        gpus->device[gpus->count++] = next++;
    if (count < gpus->count)
        gpus->count = count;
}
