/* Writing, reading, synchronizing. */
#include "ckpt.h"

static SaInvocationT told;
static SaAisErrorT told_error;
static int told_count;

static void synchronized(SaInvocationT invocation, SaAisErrorT error)
{
    told = invocation;
    told_error = error;
    told_count++;
}

static SaAisErrorT read_into(SaCkptCheckpointHandleT it, const char *id, char *buffer, SaUint64T size,
                             SaUint64T offset, SaUint64T *got)
{
    SaCkptIOVectorElementT vector = element(id, buffer, size, offset);
    SaAisErrorT error = saCkptCheckpointRead(it, &vector, 1, NULL);
    if (error == SA_AIS_OK && got != NULL)
        *got = vector.readSize;
    return error;
}

void test_saCkptCheckpointWrite(void)
{
    SaCkptHandleT handle = begin(2, NULL);
    SaCkptCheckpointHandleT it = open_new(handle, DN("write"), SA_CKPT_WR_ALL_REPLICAS, 340, 4, 85);
    SaCkptIOVectorElementT vector[3];
    char buffer[200];
    SaUint64T got;
    SaUint32T index = 99;
    CHECK_IS(create(it, "11", "0123456789abc"), SA_AIS_OK);
    CHECK_IS(create(it, "21", "x"), SA_AIS_OK);
    vector[0] = element("11", "AAAA", 4, 0);
    vector[1] = element("11", "BB", 2, 2);
    vector[2] = element("21", "C", 1, 3);
    CHECK_IS(saCkptCheckpointWrite(it, vector, 3, &index), SA_AIS_OK);
    CHECK_IS(index, 99);
    CHECK_IS(saCkptCheckpointWrite(it, vector, 3, NULL), SA_AIS_OK);
    CHECK_IS(read_into(it, "11", buffer, 85, 0, &got), SA_AIS_OK);
    CHECK(got == 13 && memcmp(buffer, "AABB456789abc", 13) == 0);
    CHECK_IS(read_into(it, "21", buffer, 85, 0, &got), SA_AIS_OK);
    CHECK(got == 4 && memcmp(buffer, "x\0\0C", 4) == 0);
    /* All or nothing, with the index of the one at fault. */
    vector[0] = element("11", "ZZ", 2, 0);
    vector[2] = element("222", "x", 1, 0);
    CHECK_IS(saCkptCheckpointWrite(it, vector, 3, &index), SA_AIS_ERR_NOT_EXIST);
    CHECK_IS(index, 2);
    CHECK_IS(read_into(it, "11", buffer, 1, 0, &got), SA_AIS_OK);
    CHECK_IS(buffer[0], 'A');
    /* Wrong sizes are refused before the buffer is looked at. */
    vector[0] = element("11", "x", 1024, 0);
    index = 99;
    CHECK_IS(saCkptCheckpointWrite(it, vector, 1, &index), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(index, 0);
    vector[0] = element("11", "x", ~0ULL, ~0ULL);
    CHECK_IS(saCkptCheckpointWrite(it, vector, 1, &index), SA_AIS_ERR_INVALID_PARAM);
    vector[0] = element("11", NULL, 5, 0);
    CHECK_IS(saCkptCheckpointWrite(it, vector, 1, &index), SA_AIS_ERR_INVALID_PARAM);
    vector[0] = element("11", "x", 1, 0);
    vector[1] = element("11", "x", 1, 0);
    vector[1].sectionId.id = NULL;
    CHECK_IS(saCkptCheckpointWrite(it, vector, 2, &index), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(index, 1);
    CHECK_IS(saCkptCheckpointWrite(it, NULL, 1, &index), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saCkptCheckpointWrite(it, vector, 0, &index), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saCkptCheckpointWrite(handle, vector, 1, &index), SA_AIS_ERR_BAD_HANDLE);
    CHECK_IS(saCkptFinalize(handle), SA_AIS_OK);
}

void test_saCkptSectionOverwrite(void)
{
    SaCkptHandleT handle = begin(2, NULL);
    SaCkptCheckpointHandleT it = open_new(handle, DN("over"), SA_CKPT_WR_ALL_REPLICAS, 169, 2, 85);
    SaCkptCheckpointHandleT one = open_new(handle, DN("single"), SA_CKPT_WR_ALL_REPLICAS, 85, 1, 85);
    SaCkptSectionIdT id = section("11"), other = section("222"), none = SA_CKPT_DEFAULT_SECTION_ID;
    char buffer[200] = {0};
    SaUint64T got;
    CHECK_IS(create(it, "11", "0123456789"), SA_AIS_OK);
    CHECK_IS(saCkptSectionOverwrite(it, &id, "12345", 5), SA_AIS_OK);
    CHECK_IS(read_into(it, "11", buffer, 85, 0, &got), SA_AIS_OK);
    CHECK(got == 5 && memcmp(buffer, "12345", 5) == 0);
    CHECK_IS(saCkptSectionOverwrite(one, &none, "default", 7), SA_AIS_OK);
    CHECK_IS(saCkptSectionOverwrite(it, &id, buffer, 0), SA_AIS_OK);
    CHECK_IS(saCkptSectionOverwrite(it, NULL, "x", 1), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saCkptSectionOverwrite(it, &id, NULL, 1), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saCkptSectionOverwrite(it, &id, NULL, 0), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saCkptSectionOverwrite(it, &id, buffer, 1024), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saCkptSectionOverwrite(it, &id, buffer, ~0ULL), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saCkptSectionOverwrite(it, &other, "x", 1), SA_AIS_ERR_NOT_EXIST);
    CHECK_IS(saCkptSectionOverwrite(0, &id, "x", 1), SA_AIS_ERR_BAD_HANDLE);
    CHECK_IS(saCkptFinalize(handle), SA_AIS_OK);
}

void test_saCkptCheckpointRead(void)
{
    SaCkptHandleT handle = begin(2, NULL);
    SaCkptCheckpointHandleT it = open_new(handle, DN("read"), SA_CKPT_WR_ALL_REPLICAS, 169, 2, 85);
    SaCkptIOVectorElementT vector[2];
    SaUint32T index = 99;
    SaUint64T got;
    char buffer[100];
    memset(buffer, '.', sizeof buffer);
    CHECK_IS(create(it, "11", "0123456789"), SA_AIS_OK);
    CHECK_IS(create(it, "21", "ab"), SA_AIS_OK);
    CHECK_IS(read_into(it, "11", buffer, 50, 0, &got), SA_AIS_OK);
    CHECK(got == 10 && memcmp(buffer, "0123456789..", 12) == 0);
    CHECK_IS(read_into(it, "11", buffer, 50, 10, &got), SA_AIS_OK);
    CHECK_IS(got, 0);
    CHECK_IS(read_into(it, "11", buffer, 3, 8, &got), SA_AIS_OK);
    CHECK(got == 2 && memcmp(buffer, "89", 2) == 0);
    vector[0] = element("21", buffer, 50, 0);
    vector[1] = element("11", buffer, 50, 11);
    CHECK_IS(saCkptCheckpointRead(it, vector, 2, &index), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(index, 1);
    vector[1] = element("222", buffer, 50, 0);
    index = 99;
    CHECK_IS(saCkptCheckpointRead(it, vector, 2, &index), SA_AIS_ERR_NOT_EXIST);
    CHECK_IS(index, 1);
    CHECK_IS(read_into(it, "11", buffer, 1024, 0, NULL), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(read_into(it, "11", buffer, 0, 0, NULL), SA_AIS_ERR_INVALID_PARAM);
    vector[0] = element("11", buffer, 5, 0);
    vector[0].sectionId.idLen = 0;
    CHECK_IS(saCkptCheckpointRead(it, vector, 1, &index), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(index, 0);
    CHECK_IS(saCkptCheckpointRead(it, NULL, 1, NULL), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saCkptCheckpointRead(it, vector, 0, NULL), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saCkptCheckpointRead(~0ULL, vector, 1, NULL), SA_AIS_ERR_BAD_HANDLE);
    CHECK_IS(saCkptFinalize(handle), SA_AIS_OK);
}

void test_saCkptIOVectorElementDataFree(void)
{
    SaCkptHandleT handle = begin(2, NULL), old = begin(1, NULL);
    SaCkptCheckpointHandleT it = open_new(handle, DN("free"), SA_CKPT_WR_ALL_REPLICAS, 169, 2, 85);
    SaCkptIOVectorElementT vector[2];
    SaUint32T index = 99;
    char mine;
    void *data;
    CHECK_IS(create(it, "11", "0123456789"), SA_AIS_OK);
    CHECK_IS(create(it, "21", ""), SA_AIS_OK);
    vector[0] = element("11", NULL, 77, 3);
    vector[1] = element("21", NULL, 77, 0);
    CHECK_IS(saCkptCheckpointRead(it, vector, 2, &index), SA_AIS_OK);
    CHECK(vector[0].dataBuffer != NULL && vector[0].readSize == 7 && vector[0].dataSize == 7);
    CHECK(memcmp(vector[0].dataBuffer, "3456789", 7) == 0);
    CHECK(vector[1].dataBuffer == NULL && vector[1].readSize == 0);
    data = vector[0].dataBuffer;
    CHECK_IS(saCkptIOVectorElementDataFree(it, NULL), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saCkptIOVectorElementDataFree(it, &mine), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saCkptIOVectorElementDataFree(0, data), SA_AIS_ERR_BAD_HANDLE);
    CHECK_IS(saCkptIOVectorElementDataFree(it, data), SA_AIS_OK);
    CHECK_IS(saCkptIOVectorElementDataFree(it, data), SA_AIS_ERR_INVALID_PARAM);
    /* Nothing is allocated by a call that fails. */
    vector[0] = element("11", NULL, 0, 0);
    vector[1] = element("222", NULL, 0, 0);
    CHECK_IS(saCkptCheckpointRead(it, vector, 2, &index), SA_AIS_ERR_NOT_EXIST);
    CHECK(vector[0].dataBuffer == NULL && vector[1].dataBuffer == NULL);
    /* Programs of B.01 use free. */
    it = open_new(old, "free-old", SA_CKPT_WR_ALL_REPLICAS, 169, 2, 85);
    CHECK_IS(create(it, "11", "0123456789"), SA_AIS_OK);
    vector[0] = element("11", NULL, 0, 0);
    CHECK_IS(saCkptCheckpointRead(it, vector, 1, NULL), SA_AIS_OK);
    free(vector[0].dataBuffer);
    CHECK_IS(saCkptFinalize(handle), SA_AIS_OK);
    CHECK_IS(saCkptFinalize(old), SA_AIS_OK);
}

void test_saCkptCheckpointSynchronize(void)
{
    SaCkptHandleT handle = begin(2, NULL);
    SaCkptCheckpointHandleT it = open_new(handle, DN("sync"), SA_CKPT_WR_ACTIVE_REPLICA, 169, 2, 85);
    SaCkptCheckpointHandleT all = open_new(handle, DN("all"), SA_CKPT_WR_ALL_REPLICAS, 169, 2, 85);
    CHECK_IS(saCkptCheckpointSynchronize(it, TEN_SECONDS), SA_AIS_OK);
    CHECK_IS(saCkptCheckpointSynchronize(it, SA_TIME_END), SA_AIS_OK);
    CHECK_IS(saCkptCheckpointSynchronize(it, -1), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saCkptCheckpointSynchronize(all, TEN_SECONDS), SA_AIS_ERR_BAD_OPERATION);
    CHECK_IS(saCkptCheckpointSynchronize(0, TEN_SECONDS), SA_AIS_ERR_BAD_HANDLE);
    CHECK_IS(saCkptFinalize(handle), SA_AIS_OK);
}

void test_saCkptCheckpointSynchronizeAsync(void)
{
    SaCkptCallbacksT callbacks = {NULL, synchronized};
    SaCkptHandleT handle = begin(2, &callbacks), without = begin(2, NULL);
    SaCkptCheckpointHandleT it = open_new(handle, DN("sync"), SA_CKPT_WR_ACTIVE_REPLICA, 169, 2, 85);
    SaCkptCheckpointHandleT two = open_new(handle, DN("sync"), SA_CKPT_WR_ACTIVE_REPLICA, 169, 2, 85);
    SaCkptCheckpointHandleT none = open_new(without, DN("sync"), SA_CKPT_WR_ACTIVE_REPLICA, 169, 2, 85);
    told_count = 0;
    CHECK_IS(saCkptCheckpointSynchronizeAsync(none, 1), SA_AIS_ERR_INIT);
    CHECK_IS(saCkptCheckpointSynchronizeAsync(handle, 1), SA_AIS_ERR_BAD_HANDLE);
    CHECK_IS(saCkptCheckpointSynchronizeAsync(it, 2116), SA_AIS_OK);
    CHECK(readable(handle, 10000));
    CHECK_IS(saCkptDispatch(handle, SA_DISPATCH_ALL), SA_AIS_OK);
    CHECK(told_count == 1 && told == 2116 && told_error == SA_AIS_OK);
    /* The callbacks of a closed handle are dropped, and no others. */
    CHECK_IS(saCkptCheckpointSynchronizeAsync(it, 1), SA_AIS_OK);
    CHECK_IS(saCkptCheckpointSynchronizeAsync(two, 2), SA_AIS_OK);
    CHECK_IS(saCkptCheckpointClose(it), SA_AIS_OK);
    while (told_count < 2) {
        CHECK(readable(handle, 10000));
        CHECK_IS(saCkptDispatch(handle, SA_DISPATCH_ALL), SA_AIS_OK);
    }
    CHECK(told_count == 2 && told == 2);
    CHECK_IS(saCkptFinalize(handle), SA_AIS_OK);
    CHECK_IS(saCkptFinalize(without), SA_AIS_OK);
}
