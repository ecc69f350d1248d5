/* Opening, closing, unlinking, retention, the active replica, status. */
#include "ckpt.h"

static SaInvocationT opened_invocation;
static SaCkptCheckpointHandleT opened;
static SaAisErrorT opened_error;
static int opened_count;

static void on_open(SaInvocationT invocation, SaCkptCheckpointHandleT handle, SaAisErrorT error)
{
    opened_invocation = invocation;
    opened = handle;
    opened_error = error;
    opened_count++;
}

static SaAisErrorT open_with(SaCkptHandleT handle, const char *text,
                             const SaCkptCheckpointCreationAttributesT *attrs, SaUint32T flags,
                             SaTimeT timeout)
{
    SaNameT name = name_of(text);
    SaCkptCheckpointHandleT it = 0;
    SaAisErrorT error = saCkptCheckpointOpen(handle, &name, attrs, flags, timeout, &it);
    if (error == SA_AIS_OK)
        CHECK_IS(saCkptCheckpointClose(it), SA_AIS_OK);
    return error;
}

void test_saCkptCheckpointOpen(void)
{
    SaCkptHandleT handle = begin(2, NULL), old = begin(1, NULL);
    SaCkptCheckpointCreationAttributesT it = attributes(SA_CKPT_WR_ALL_REPLICAS, 169, 2, 85);
    SaCkptCheckpointHandleT checkpoint, again;
    SaNameT name = name_of(DN("open"));
    SaUint32T flags;
    CHECK_IS(open_with(handle, DN("open"), NULL, SA_CKPT_CHECKPOINT_READ, TEN_SECONDS),
             SA_AIS_ERR_NOT_EXIST);
    CHECK_IS(open_with(handle, DN("open"), NULL, RWC, TEN_SECONDS), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saCkptCheckpointOpen(handle, NULL, &it, RWC, TEN_SECONDS, &checkpoint),
             SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saCkptCheckpointOpen(handle, &name, &it, RWC, TEN_SECONDS, NULL),
             SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(open_with(handle, DN("open"), &it, 0, TEN_SECONDS), SA_AIS_ERR_BAD_FLAGS);
    CHECK_IS(open_with(handle, DN("open"), &it, 8, TEN_SECONDS), SA_AIS_ERR_BAD_FLAGS);
    for (flags = 0; flags <= 16; flags++) {
        int good = flags == 1 || flags == 2 || flags == 4 || flags == 9 || flags == 10 || flags == 12;
        it = attributes(flags, 169, 2, 85);
        CHECK_IS(open_with(handle, DN("flags"), &it, RWC, TEN_SECONDS),
                 good ? SA_AIS_OK : SA_AIS_ERR_INVALID_PARAM);
    }
    it = attributes(SA_CKPT_WR_ACTIVE_REPLICA, 300, 3, 85);
    CHECK_IS(open_with(handle, DN("size"), &it, RWC, TEN_SECONDS), SA_AIS_ERR_INVALID_PARAM);
    it = attributes(SA_CKPT_WR_ACTIVE_REPLICA, 255, 3, 85);
    CHECK_IS(open_with(handle, DN("size"), &it, RWC, TEN_SECONDS), SA_AIS_OK);
    /* Names. */
    name.length = 257;
    CHECK_IS(saCkptCheckpointOpen(handle, &name, &it, RWC, TEN_SECONDS, &checkpoint),
             SA_AIS_ERR_INVALID_PARAM);
    name.length = 65535;
    CHECK_IS(saCkptCheckpointOpen(handle, &name, &it, RWC, TEN_SECONDS, &checkpoint),
             SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(open_with(handle, "", &it, RWC, TEN_SECONDS), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(open_with(handle, "csa103Ckpt", &it, RWC, TEN_SECONDS), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(open_with(handle, "safMq=x,safApp=safCkptService", &it, RWC, TEN_SECONDS),
             SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(open_with(old, "csa103Ckpt", &it, RWC, TEN_SECONDS), SA_AIS_OK);
    /* Time-outs. */
    CHECK_IS(open_with(handle, DN("late"), &it, RWC, -1), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(open_with(old, "early", &it, RWC, (SaTimeT)-1), SA_AIS_OK);
    CHECK_IS(open_with(old, "early", &it, RWC, SA_TIME_MAX), SA_AIS_OK);
    /* Handles are independent. */
    checkpoint = open_new(handle, DN("twice"), SA_CKPT_WR_ALL_REPLICAS, 169, 2, 85);
    again = open_new(handle, DN("twice"), SA_CKPT_WR_ALL_REPLICAS, 169, 2, 85);
    CHECK(checkpoint != again);
    CHECK_IS(saCkptCheckpointClose(checkpoint), SA_AIS_OK);
    CHECK_IS(create(again, "11", "x"), SA_AIS_OK);
    /* Other attributes. */
    it = attributes(SA_CKPT_WR_ALL_REPLICAS, 168, 2, 85);
    CHECK_IS(open_with(handle, DN("twice"), &it, RWC, TEN_SECONDS), SA_AIS_ERR_EXIST);
    /* A wrong kind of handle. */
    CHECK_IS(open_with(again, DN("twice"), NULL, 1, TEN_SECONDS), SA_AIS_ERR_BAD_HANDLE);
    CHECK_IS(open_with(0, DN("twice"), NULL, 1, TEN_SECONDS), SA_AIS_ERR_BAD_HANDLE);
    CHECK_IS(saCkptFinalize(handle), SA_AIS_OK);
    CHECK_IS(saCkptFinalize(old), SA_AIS_OK);
}

void test_saCkptCheckpointOpenAsync(void)
{
    SaCkptCallbacksT callbacks = {on_open, NULL};
    SaCkptHandleT handle = begin(2, &callbacks), without = begin(2, NULL);
    SaCkptCheckpointCreationAttributesT it = attributes(SA_CKPT_WR_ALL_REPLICAS, 169, 2, 85);
    SaNameT name = name_of(DN("async"));
    SaCkptCheckpointDescriptorT status;
    SaAisErrorT error;
    CHECK_IS(saCkptCheckpointOpenAsync(without, 1, &name, &it, RWC), SA_AIS_ERR_INIT);
    CHECK_IS(saCkptCheckpointOpenAsync(handle, 1, NULL, &it, RWC), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saCkptCheckpointOpenAsync(handle, 1, &name, NULL, RWC), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saCkptCheckpointOpenAsync(handle, 1, &name, &it, 1), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saCkptCheckpointOpenAsync(handle, 1, &name, &it, 8), SA_AIS_ERR_BAD_FLAGS);
    CHECK_IS(saCkptCheckpointOpenAsync(77, 1, &name, &it, RWC), SA_AIS_ERR_BAD_HANDLE);
    opened_count = 0;
    CHECK_IS(saCkptCheckpointOpenAsync(handle, 1002, &name, &it, RWC), SA_AIS_OK);
    CHECK(readable(handle, 10000));
    CHECK_IS(saCkptDispatch(handle, SA_DISPATCH_ALL), SA_AIS_OK);
    CHECK(opened_count == 1 && opened_invocation == 1002 && opened_error == SA_AIS_OK);
    CHECK_IS(saCkptCheckpointStatusGet(opened, &status), SA_AIS_OK);
    CHECK_IS(saCkptCheckpointClose(opened), SA_AIS_OK);
    /* Told at once or later. */
    error = saCkptCheckpointOpenAsync(handle, 7, &name, NULL, SA_CKPT_CHECKPOINT_WRITE);
    if (error == SA_AIS_OK) {
        CHECK(readable(handle, 10000));
        CHECK_IS(saCkptDispatch(handle, SA_DISPATCH_ONE), SA_AIS_OK);
        CHECK_IS(opened_invocation, 7);
        error = opened_error;
    }
    CHECK_IS(error, SA_AIS_ERR_NOT_EXIST);
    /* Finalized before it was dispatched: nothing is left open. */
    CHECK_IS(saCkptCheckpointOpenAsync(handle, 8, &name, &it, RWC), SA_AIS_OK);
    CHECK(readable(handle, 10000));
    CHECK_IS(saCkptFinalize(handle), SA_AIS_OK);
    CHECK_IS(open_with(without, DN("async"), NULL, 1, TEN_SECONDS), SA_AIS_ERR_NOT_EXIST);
    CHECK_IS(saCkptFinalize(without), SA_AIS_OK);
}

void test_saCkptCheckpointClose(void)
{
    SaCkptHandleT handle = begin(2, NULL);
    SaCkptCheckpointHandleT it = open_new(handle, DN("close"), SA_CKPT_WR_ALL_REPLICAS, 169, 2, 85);
    SaCkptSectionIterationHandleT walk;
    SaCkptSectionDescriptorT descriptor;
    CHECK_IS(saCkptSectionIterationInitialize(it, SA_CKPT_SECTIONS_ANY, 0, &walk), SA_AIS_OK);
    CHECK_IS(saCkptCheckpointClose(handle), SA_AIS_ERR_BAD_HANDLE);
    CHECK_IS(saCkptCheckpointClose(it), SA_AIS_OK);
    CHECK_IS(saCkptCheckpointClose(it), SA_AIS_ERR_BAD_HANDLE);
    CHECK_IS(saCkptCheckpointClose(0), SA_AIS_ERR_BAD_HANDLE);
    CHECK_IS(create(it, "11", "x"), SA_AIS_ERR_BAD_HANDLE);
    CHECK_IS(saCkptSectionIterationNext(walk, &descriptor), SA_AIS_ERR_BAD_HANDLE);
    CHECK_IS(saCkptSectionIterationFinalize(walk), SA_AIS_ERR_BAD_HANDLE);
    CHECK_IS(open_with(handle, DN("close"), NULL, 1, TEN_SECONDS), SA_AIS_ERR_NOT_EXIST);
    CHECK_IS(saCkptFinalize(handle), SA_AIS_OK);
}

void test_saCkptCheckpointUnlink(void)
{
    SaCkptHandleT handle = begin(2, NULL);
    SaCkptCheckpointHandleT it = open_new(handle, DN("unlink"), SA_CKPT_WR_ALL_REPLICAS, 169, 2, 85);
    SaNameT name = name_of(DN("unlink"));
    CHECK_IS(saCkptCheckpointUnlink(handle, NULL), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saCkptCheckpointUnlink(it, &name), SA_AIS_ERR_BAD_HANDLE);
    CHECK_IS(saCkptCheckpointUnlink(handle, &name), SA_AIS_OK);
    CHECK_IS(saCkptCheckpointUnlink(handle, &name), SA_AIS_ERR_NOT_EXIST);
    CHECK_IS(create(it, "11", "x"), SA_AIS_OK);
    CHECK_IS(saCkptCheckpointRetentionDurationSet(it, 1), SA_AIS_ERR_BAD_OPERATION);
    name.length = 300;
    CHECK_IS(saCkptCheckpointUnlink(handle, &name), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saCkptFinalize(handle), SA_AIS_OK);
}

void test_saCkptCheckpointRetentionDurationSet(void)
{
    SaCkptHandleT handle = begin(2, NULL);
    SaCkptCheckpointHandleT it = open_new(handle, DN("keep"), SA_CKPT_WR_ALL_REPLICAS, 169, 2, 85);
    SaNameT name = name_of(DN("keep"));
    CHECK_IS(saCkptCheckpointRetentionDurationSet(it, -1), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saCkptCheckpointRetentionDurationSet(handle, 1), SA_AIS_ERR_BAD_HANDLE);
    CHECK_IS(saCkptCheckpointRetentionDurationSet(it, SA_TIME_MAX), SA_AIS_OK);
    CHECK_IS(saCkptCheckpointClose(it), SA_AIS_OK);
    CHECK_IS(saCkptCheckpointOpen(handle, &name, NULL, SA_CKPT_CHECKPOINT_READ, TEN_SECONDS, &it),
             SA_AIS_OK);
    CHECK_IS(saCkptCheckpointRetentionDurationSet(it, 0), SA_AIS_ERR_ACCESS);
    CHECK_IS(saCkptCheckpointUnlink(handle, &name), SA_AIS_OK);
    CHECK_IS(saCkptFinalize(handle), SA_AIS_OK);
}

void test_saCkptActiveReplicaSet(void)
{
    SaCkptHandleT handle = begin(2, NULL);
    SaCkptCheckpointHandleT it = open_new(
        handle, DN("active"), SA_CKPT_WR_ACTIVE_REPLICA | SA_CKPT_CHECKPOINT_COLLOCATED, 169, 2, 85);
    SaCkptCheckpointHandleT other = open_new(handle, DN("other"), SA_CKPT_WR_ALL_REPLICAS, 169, 2, 85);
    SaCkptSectionIdT id = section("11");
    CHECK_IS(create(it, "11", "x"), SA_AIS_ERR_NOT_EXIST);
    CHECK_IS(saCkptSectionOverwrite(it, &id, "y", 1), SA_AIS_ERR_NOT_EXIST);
    CHECK_IS(saCkptActiveReplicaSet(it), SA_AIS_OK);
    CHECK_IS(saCkptActiveReplicaSet(it), SA_AIS_OK);
    CHECK_IS(create(it, "11", "x"), SA_AIS_OK);
    CHECK_IS(saCkptActiveReplicaSet(other), SA_AIS_ERR_BAD_OPERATION);
    CHECK_IS(saCkptActiveReplicaSet(0), SA_AIS_ERR_BAD_HANDLE);
    CHECK_IS(saCkptFinalize(handle), SA_AIS_OK);
}

void test_saCkptCheckpointStatusGet(void)
{
    SaCkptHandleT handle = begin(2, NULL);
    SaCkptCheckpointHandleT it = open_new(handle, DN("status"), SA_CKPT_WR_ALL_REPLICAS, 169, 2, 85);
    SaCkptCheckpointDescriptorT status;
    memset(&status, 0xAA, sizeof status);
    CHECK_IS(create(it, "11", "0123456789"), SA_AIS_OK);
    CHECK_IS(saCkptCheckpointStatusGet(it, NULL), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saCkptCheckpointStatusGet(handle, &status), SA_AIS_ERR_BAD_HANDLE);
    CHECK_IS(saCkptCheckpointStatusGet(it, &status), SA_AIS_OK);
    CHECK_IS(status.numberOfSections, 1);
    CHECK_IS(status.memoryUsed, 10);
    CHECK_IS(status.checkpointCreationAttributes.creationFlags, SA_CKPT_WR_ALL_REPLICAS);
    CHECK_IS(status.checkpointCreationAttributes.checkpointSize, 169);
    CHECK_IS(status.checkpointCreationAttributes.retentionDuration, 0);
    CHECK_IS(status.checkpointCreationAttributes.maxSections, 2);
    CHECK_IS(status.checkpointCreationAttributes.maxSectionSize, 85);
    CHECK_IS(status.checkpointCreationAttributes.maxSectionIdSize, 3);
    CHECK_IS(saCkptFinalize(handle), SA_AIS_OK);
}
