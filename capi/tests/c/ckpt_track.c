/* The extension: changes made through other handles are told. */
#include "ckpt.h"

static SaCkptCheckpointHandleT told_checkpoint;
static char told_section[8];
static SaUint64T told_size, told_offset;
static int told_count;

static void changed(SaCkptCheckpointHandleT checkpoint, SaCkptIOVectorElementT *vector,
                    SaUint32T elements)
{
    told_checkpoint = checkpoint;
    MUST(elements >= 1 && vector[0].sectionId.idLen < 8);
    memset(told_section, 0, sizeof told_section);
    memcpy(told_section, vector[0].sectionId.id, vector[0].sectionId.idLen);
    told_size = vector[0].dataSize;
    told_offset = vector[0].dataOffset;
    told_count++;
}

void test_saCkptTrack(void)
{
    SaCkptCallbacksT_2 callbacks = {NULL, NULL, changed};
    SaCkptHandleT handle = 0, none = 0, other = begin(2, NULL);
    SaVersionT version = {'B', 2, 3};
    SaCkptCheckpointHandleT mine, theirs;
    SaCkptIOVectorElementT vector = element("11", "ab", 2, 3);
    CHECK_IS(saCkptInitialize_2(&handle, &callbacks, &version), SA_AIS_OK);
    CHECK(version.majorVersion == 2 && version.minorVersion == 3);
    CHECK_IS(saCkptInitialize_2(&none, NULL, &version), SA_AIS_OK);
    mine = open_new(handle, DN("track"), SA_CKPT_WR_ALL_REPLICAS, 169, 2, 85);
    theirs = open_new(other, DN("track"), SA_CKPT_WR_ALL_REPLICAS, 169, 2, 85);
    CHECK_IS(saCkptTrack(none), SA_AIS_ERR_INIT);
    CHECK_IS(saCkptTrack(other), SA_AIS_ERR_VERSION);
    CHECK_IS(saCkptTrackStop(other), SA_AIS_ERR_VERSION);
    CHECK_IS(saCkptTrack(mine), SA_AIS_ERR_BAD_HANDLE);
    CHECK_IS(saCkptTrack(handle), SA_AIS_OK);
    told_count = 0;
    CHECK_IS(create(theirs, "11", "hello"), SA_AIS_OK);
    CHECK(readable(handle, 10000));
    CHECK_IS(saCkptDispatch(handle, SA_DISPATCH_ONE), SA_AIS_OK);
    CHECK(told_count == 1 && told_checkpoint == mine && strcmp(told_section, "11") == 0);
    CHECK_IS(told_size, 5);
    CHECK_IS(saCkptCheckpointWrite(theirs, &vector, 1, NULL), SA_AIS_OK);
    CHECK(readable(handle, 10000));
    CHECK_IS(saCkptDispatch(handle, SA_DISPATCH_ALL), SA_AIS_OK);
    CHECK(told_count == 2 && told_size == 2 && told_offset == 3);
    /* Not what was changed through the handle itself. */
    CHECK_IS(saCkptCheckpointWrite(mine, &vector, 1, NULL), SA_AIS_OK);
    CHECK(!readable(handle, 100));
    CHECK_IS(saCkptTrackStop(handle), SA_AIS_OK);
    CHECK_IS(saCkptCheckpointWrite(theirs, &vector, 1, NULL), SA_AIS_OK);
    CHECK(!readable(handle, 100));
    CHECK_IS(saCkptTrackStop(0), SA_AIS_ERR_BAD_HANDLE);
    CHECK_IS(saCkptFinalize(handle), SA_AIS_OK);
    CHECK_IS(saCkptFinalize(none), SA_AIS_OK);
    CHECK_IS(saCkptFinalize(other), SA_AIS_OK);
}

void test_saCkptInitialize_2(void)
{
    SaCkptHandleT handle = 77;
    SaVersionT version = {'B', 2, 2};
    CHECK_IS(saCkptInitialize_2(&handle, NULL, &version), SA_AIS_ERR_VERSION);
    CHECK(version.releaseCode == 'B' && version.majorVersion == 2 && version.minorVersion == 3);
    version = (SaVersionT){'B', 1, 3};
    CHECK_IS(saCkptInitialize_2(&handle, NULL, &version), SA_AIS_ERR_VERSION);
    CHECK_IS(saCkptInitialize_2(NULL, NULL, &version), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saCkptInitialize_2(&handle, NULL, NULL), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(handle, 77);
}

void test_saCkptCheckpointTrack(void)
{
    SaCkptHandleT handle = begin(2, NULL);
    SaCkptCheckpointHandleT it = open_new(handle, DN("one"), SA_CKPT_WR_ALL_REPLICAS, 169, 2, 85);
    CHECK_IS(saCkptCheckpointTrack(it), SA_AIS_ERR_NOT_SUPPORTED);
    CHECK_IS(saCkptCheckpointTrackStop(it), SA_AIS_ERR_NOT_SUPPORTED);
    CHECK_IS(saCkptFinalize(handle), SA_AIS_OK);
}
