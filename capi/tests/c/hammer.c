/*
 * Many threads do everything at once to a few handles of both services: open, close, finalize
 * under each other's feet, dispatch, use what another thread has just closed, and handles that
 * never were. Nothing may crash, hang, or return a code that makes no sense.
 */
#include "ckpt.h"
#include "saClm.h"

#include <pthread.h>

#define SHARED 4
#define THREADS 8

static SaCkptHandleT libraries[SHARED];
static SaCkptCheckpointHandleT checkpoints[SHARED];
static SaClmHandleT clms[SHARED];
static int rounds;
static unsigned long long calls;
jmp_buf check_failed;

static unsigned next(unsigned *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static SaUint64T load(SaUint64T *it)
{
    return __atomic_load_n(it, __ATOMIC_SEQ_CST);
}

static void store(SaUint64T *it, SaUint64T value)
{
    __atomic_store_n(it, value, __ATOMIC_SEQ_CST);
}

/* Every code that a race may bring about; LIBRARY, VERSION and numbers that are none are not. */
static void sensible(SaAisErrorT error)
{
    MUST(error == SA_AIS_OK || error == SA_AIS_ERR_BAD_HANDLE || error == SA_AIS_ERR_NOT_EXIST ||
         error == SA_AIS_ERR_EXIST || error == SA_AIS_ERR_NO_SPACE || error == SA_AIS_ERR_TRY_AGAIN ||
         error == SA_AIS_ERR_NO_SECTIONS || error == SA_AIS_ERR_INVALID_PARAM ||
         error == SA_AIS_ERR_NO_RESOURCES);
    __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED);
}

static void opened(SaInvocationT invocation, SaCkptCheckpointHandleT handle, SaAisErrorT error)
{
    sensible(error);
    if (error == SA_AIS_OK) {
        if (invocation % 2)
            sensible(saCkptCheckpointClose(handle));
        else
            store(&checkpoints[invocation % SHARED], handle);
    }
}

static void synchronized(SaInvocationT invocation, SaAisErrorT error)
{
    (void)invocation;
    sensible(error);
}

static void on_node(SaInvocationT invocation, const SaClmClusterNodeT_4 *node, SaAisErrorT error)
{
    (void)invocation;
    MUST(error != SA_AIS_OK || node->nodeId != 0);
}

static void on_track(const SaClmClusterNotificationBufferT_4 *buffer, SaUint32T members,
                     SaInvocationT invocation, const SaNameT *cause,
                     const SaNtfCorrelationIdsT *ids, SaClmChangeStepT step, SaTimeT supervision,
                     SaAisErrorT error)
{
    (void)members, (void)invocation, (void)cause, (void)ids, (void)step, (void)supervision;
    MUST(error != SA_AIS_OK || buffer->numberOfItems > 0);
}

static const SaCkptCallbacksT ckpt_callbacks = {opened, synchronized};
static const SaClmCallbacksT_4 clm_callbacks = {on_node, on_track};

static void ckpt_life(unsigned at, unsigned *seed)
{
    SaVersionT version = {'B', 2, 2};
    SaCkptHandleT handle = 0;
    SaAisErrorT error;
    if (next(seed) % 4 == 0) {
        sensible(saCkptFinalize(load(&libraries[at])));
        error = saCkptInitialize(&handle, &ckpt_callbacks, &version);
        sensible(error);
        if (error == SA_AIS_OK)
            store(&libraries[at], handle);
        return;
    }
    sensible(saCkptDispatch(load(&libraries[at]), next(seed) % 2 ? SA_DISPATCH_ONE : SA_DISPATCH_ALL));
}

static void ckpt_open(unsigned at, unsigned *seed)
{
    SaCkptCheckpointCreationAttributesT attrs = attributes(SA_CKPT_WR_ACTIVE_REPLICA, 340, 4, 85);
    SaNameT name = name_of(DN("hammer"));
    SaCkptCheckpointHandleT it;
    SaAisErrorT error;
    switch (next(seed) % 4) {
    case 0:
        error = saCkptCheckpointOpen(load(&libraries[at]), &name, &attrs, RWC, TEN_SECONDS, &it);
        sensible(error);
        if (error == SA_AIS_OK)
            store(&checkpoints[at], it);
        break;
    case 1:
        sensible(saCkptCheckpointOpenAsync(load(&libraries[at]), next(seed) % 16, &name, &attrs, RWC));
        break;
    case 2:
        sensible(saCkptCheckpointClose(load(&checkpoints[at])));
        break;
    default:
        sensible(saCkptCheckpointSynchronizeAsync(load(&checkpoints[at]), next(seed)));
    }
}

static void ckpt_data(unsigned at, unsigned *seed)
{
    SaCkptCheckpointHandleT it = load(&checkpoints[at]);
    char data[85] = "data", id[3] = {'1', (char)('0' + next(seed) % 6), 0};
    SaCkptIOVectorElementT vector = element(id, data, 4 + next(seed) % 80, 0);
    SaCkptIOVectorElementT allocated = element(id, NULL, 0, 0);
    SaCkptSectionIterationHandleT walk;
    SaCkptSectionDescriptorT found;
    SaCkptSectionIdT section_id = section(id);
    SaAisErrorT error;
    int i;
    switch (next(seed) % 6) {
    case 0:
        sensible(create(it, id, "x"));
        break;
    case 1:
        sensible(saCkptCheckpointWrite(it, &vector, 1, NULL));
        break;
    case 2:
        sensible(saCkptCheckpointRead(it, &vector, 1, NULL));
        break;
    case 3:
        error = saCkptCheckpointRead(it, &allocated, 1, NULL);
        sensible(error);
        if (error == SA_AIS_OK && allocated.dataBuffer != NULL &&
            saCkptIOVectorElementDataFree(it, allocated.dataBuffer) != SA_AIS_OK)
            free(allocated.dataBuffer); /* closed meanwhile; C's free does, too */
        break;
    case 4:
        error = saCkptSectionIterationInitialize(it, SA_CKPT_SECTIONS_ANY, 0, &walk);
        sensible(error);
        for (i = 0; error == SA_AIS_OK && i < 6; i++) {
            error = saCkptSectionIterationNext(walk, &found);
            sensible(error);
        }
        if (error != SA_AIS_ERR_BAD_HANDLE)
            sensible(saCkptSectionIterationFinalize(walk));
        break;
    default:
        sensible(saCkptSectionDelete(it, &section_id));
    }
}

static void clm(unsigned at, unsigned *seed)
{
    SaVersionT version = {'B', 4, 1};
    SaClmHandleT handle = load(&clms[at]);
    SaClmClusterNotificationBufferT_4 buffer = {0, 0, NULL};
    SaClmClusterNodeT_4 node;
    SaAisErrorT error;
    switch (next(seed) % 8) {
    case 0:
        sensible(saClmFinalize(handle));
        error = saClmInitialize_4(&handle, &clm_callbacks, &version);
        sensible(error);
        if (error == SA_AIS_OK)
            store(&clms[at], handle);
        break;
    case 1:
        sensible(saClmClusterTrack_4(handle, SA_TRACK_CURRENT | SA_TRACK_CHANGES, NULL));
        break;
    case 2:
        sensible(saClmClusterTrackStop(handle));
        break;
    case 3:
        error = saClmClusterTrack_4(handle, SA_TRACK_CURRENT, &buffer);
        sensible(error);
        if (error == SA_AIS_OK && saClmClusterNotificationFree_4(handle, buffer.notification) != SA_AIS_OK)
            free(buffer.notification);
        break;
    case 4:
        sensible(saClmClusterNodeGet_4(handle, SA_CLM_LOCAL_NODE_ID, TEN_SECONDS, &node));
        break;
    case 5:
        sensible(saClmClusterNodeGetAsync(handle, 1 + next(seed), SA_CLM_LOCAL_NODE_ID));
        break;
    default:
        sensible(saClmDispatch(handle, SA_DISPATCH_ALL));
    }
}

static void wild(unsigned *seed)
{
    SaUint64T handle = ((SaUint64T)next(seed) << 40) ^ ((SaUint64T)next(seed) << 20) ^ next(seed);
    SaCkptCheckpointDescriptorT status;
    MUST(saCkptCheckpointStatusGet(handle | 1ULL << 63, &status) == SA_AIS_ERR_BAD_HANDLE);
    MUST(saCkptFinalize(handle | 1ULL << 63) == SA_AIS_ERR_BAD_HANDLE);
    MUST(saClmFinalize(handle | 1ULL << 63) == SA_AIS_ERR_BAD_HANDLE);
}

static void *work(void *argument)
{
    unsigned seed = (unsigned)(long)argument * 7919u + 1;
    int i;
    for (i = 0; i < rounds; i++) {
        unsigned at = next(&seed) % SHARED;
        switch (next(&seed) % 8) {
        case 0:
            ckpt_life(at, &seed);
            break;
        case 1:
        case 2:
            ckpt_open(at, &seed);
            break;
        case 3:
        case 4:
        case 5:
            ckpt_data(at, &seed);
            break;
        case 6:
            clm(at, &seed);
            break;
        default:
            wild(&seed);
        }
    }
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t threads[THREADS];
    long i;
    rounds = argc > 1 ? atoi(argv[1]) : 1000;
    for (i = 0; i < THREADS; i++)
        MUST(pthread_create(&threads[i], NULL, work, (void *)i) == 0);
    for (i = 0; i < THREADS; i++)
        MUST(pthread_join(threads[i], NULL) == 0);
    for (i = 0; i < SHARED; i++) {
        saCkptFinalize(load(&libraries[i]));
        saClmFinalize(load(&clms[i]));
    }
    printf("%llu calls\n", calls);
    return 0;
}
