/* Initialize, SelectionObjectGet, Dispatch, Finalize, and the helpers for names. */
#include "ckpt.h"

static SaCkptHandleT to_finalize;
static SaInvocationT told[16];
static SaAisErrorT told_error[16];
static int told_count;

static void synchronized(SaInvocationT invocation, SaAisErrorT error)
{
    if (told_count < 16) {
        told[told_count] = invocation;
        told_error[told_count] = error;
    }
    told_count++;
    if (to_finalize != 0)
        MUST(saCkptFinalize(to_finalize) == SA_AIS_OK);
}

static const SaCkptCallbacksT callbacks = {NULL, synchronized};

void test_saCkptInitialize(void)
{
    SaCkptHandleT one, two, none = 77;
    SaCkptCallbacksT empty = {NULL, NULL};
    SaVersionT version = {'B', 1, 1};
    CHECK_IS(saCkptInitialize(&one, NULL, &version), SA_AIS_OK);
    CHECK(one != 0 && version.majorVersion == 2 && version.minorVersion == 2);
    version = (SaVersionT){'B', 2, 9};
    CHECK_IS(saCkptInitialize(&two, &empty, &version), SA_AIS_OK);
    CHECK(one != two);
    CHECK_IS(saCkptInitialize(NULL, NULL, &version), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saCkptInitialize(&none, NULL, NULL), SA_AIS_ERR_INVALID_PARAM);
    version = (SaVersionT){'A', 1, 0};
    CHECK_IS(saCkptInitialize(&none, NULL, &version), SA_AIS_ERR_VERSION);
    CHECK(version.releaseCode == 'B' && version.majorVersion == 2 && version.minorVersion == 2);
    version = (SaVersionT){'C', 1, 0};
    CHECK_IS(saCkptInitialize(&none, NULL, &version), SA_AIS_ERR_VERSION);
    CHECK(version.releaseCode == 'B' && version.majorVersion == 2);
    version = (SaVersionT){'B', 9, 0};
    CHECK_IS(saCkptInitialize(&none, NULL, &version), SA_AIS_ERR_VERSION);
    CHECK(version.majorVersion == 2 && version.minorVersion == 2);
    CHECK_IS(none, 77);
    CHECK_IS(saCkptFinalize(one), SA_AIS_OK);
    CHECK_IS(saCkptFinalize(two), SA_AIS_OK);
}

void test_saCkptSelectionObjectGet(void)
{
    SaCkptHandleT handle = begin(2, &callbacks);
    SaSelectionObjectT one, two;
    CHECK_IS(saCkptSelectionObjectGet(handle, &one), SA_AIS_OK);
    CHECK_IS(saCkptSelectionObjectGet(handle, &two), SA_AIS_OK);
    CHECK_IS(one, two);
    CHECK_IS(saCkptSelectionObjectGet(handle, NULL), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saCkptSelectionObjectGet(0, &one), SA_AIS_ERR_BAD_HANDLE);
    CHECK(!readable(handle, 100));
    /* A program that takes the descriptor for its own closes it: no harm is done. */
    close((int)one);
    CHECK(!readable(handle, 0));
    CHECK_IS(saCkptFinalize(handle), SA_AIS_OK);
    CHECK_IS(saCkptSelectionObjectGet(handle, &one), SA_AIS_ERR_BAD_HANDLE);
}

void test_saCkptDispatch(void)
{
    SaCkptHandleT handle = begin(2, &callbacks);
    SaCkptCheckpointHandleT it =
        open_new(handle, DN("dispatch"), SA_CKPT_WR_ACTIVE_REPLICA, 169, 2, 85);
    int tries;
    told_count = 0;
    to_finalize = 0;
    CHECK_IS(saCkptDispatch(handle, SA_DISPATCH_ONE), SA_AIS_OK);
    CHECK_IS(saCkptDispatch(handle, SA_DISPATCH_ALL), SA_AIS_OK);
    CHECK_IS(saCkptDispatch(handle, 0), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saCkptDispatch(handle, 4), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saCkptDispatch(handle, -1), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saCkptDispatch(it, SA_DISPATCH_ALL), SA_AIS_ERR_BAD_HANDLE);
    CHECK_IS(saCkptCheckpointSynchronizeAsync(it, 1), SA_AIS_OK);
    CHECK_IS(saCkptCheckpointSynchronizeAsync(it, 0), SA_AIS_OK);
    CHECK_IS(saCkptCheckpointSynchronizeAsync(it, 3), SA_AIS_OK);
    CHECK(readable(handle, 10000));
    CHECK_IS(saCkptDispatch(handle, SA_DISPATCH_ONE), SA_AIS_OK);
    CHECK_IS(told_count, 1);
    for (tries = 0; told_count < 3 && tries < 100; tries++) {
        CHECK(readable(handle, 10000));
        CHECK_IS(saCkptDispatch(handle, SA_DISPATCH_ALL), SA_AIS_OK);
    }
    CHECK_IS(told_count, 3);
    CHECK(told[0] == 1 && told[1] == 0 && told[2] == 3);
    CHECK(told_error[0] == SA_AIS_OK && told_error[2] == SA_AIS_OK);
    CHECK(!readable(handle, 50));
    CHECK_IS(saCkptFinalize(handle), SA_AIS_OK);
    CHECK_IS(saCkptDispatch(handle, SA_DISPATCH_ONE), SA_AIS_ERR_BAD_HANDLE);
    CHECK_IS(saCkptDispatch(handle, SA_DISPATCH_ALL), SA_AIS_ERR_BAD_HANDLE);
    CHECK_IS(saCkptDispatch(handle, SA_DISPATCH_BLOCKING), SA_AIS_ERR_BAD_HANDLE);
}

void test_saCkptFinalize(void)
{
    SaCkptHandleT handle = begin(2, &callbacks);
    SaCkptCheckpointHandleT it =
        open_new(handle, DN("finalize"), SA_CKPT_WR_ACTIVE_REPLICA, 169, 2, 85);
    SaCkptSectionIterationHandleT walk;
    SaCkptSectionDescriptorT descriptor;
    SaCkptCheckpointDescriptorT status;
    CHECK_IS(saCkptSectionIterationInitialize(it, SA_CKPT_SECTIONS_ANY, 0, &walk), SA_AIS_OK);
    CHECK_IS(saCkptFinalize(it), SA_AIS_ERR_BAD_HANDLE);
    CHECK_IS(saCkptFinalize(handle), SA_AIS_OK);
    CHECK_IS(saCkptFinalize(handle), SA_AIS_ERR_BAD_HANDLE);
    CHECK_IS(saCkptFinalize(0), SA_AIS_ERR_BAD_HANDLE);
    CHECK_IS(saCkptFinalize(0xDEADBEEF), SA_AIS_ERR_BAD_HANDLE);
    CHECK_IS(saCkptFinalize(~0ULL), SA_AIS_ERR_BAD_HANDLE);
    CHECK_IS(saCkptCheckpointStatusGet(it, &status), SA_AIS_ERR_BAD_HANDLE);
    CHECK_IS(saCkptCheckpointClose(it), SA_AIS_ERR_BAD_HANDLE);
    CHECK_IS(saCkptSectionIterationNext(walk, &descriptor), SA_AIS_ERR_BAD_HANDLE);
    CHECK_IS(saCkptSectionIterationFinalize(walk), SA_AIS_ERR_BAD_HANDLE);
}

void test_saCkptFinalize_in_callback(void)
{
    SaCkptHandleT handle = begin(2, &callbacks);
    SaCkptCheckpointHandleT it =
        open_new(handle, DN("in-callback"), SA_CKPT_WR_ACTIVE_REPLICA, 169, 2, 85);
    told_count = 0;
    to_finalize = handle;
    CHECK_IS(saCkptCheckpointSynchronizeAsync(it, 1), SA_AIS_OK);
    CHECK_IS(saCkptCheckpointSynchronizeAsync(it, 2), SA_AIS_OK);
    CHECK_IS(saCkptDispatch(handle, SA_DISPATCH_BLOCKING), SA_AIS_OK);
    CHECK_IS(told_count, 1);
    to_finalize = 0;
    CHECK_IS(saCkptFinalize(handle), SA_AIS_ERR_BAD_HANDLE);
}

void test_saAisName(void)
{
    char text[300];
    SaNameT name;
    memset(&name, 0xAA, sizeof name);
    memset(text, 'x', sizeof text);
    text[255] = 0;
    saAisNameLend(text, &name);
    CHECK_IS(name.length, 255);
    CHECK(saAisNameBorrow(&name) == (const char *)name.value);
    CHECK(strcmp(saAisNameBorrow(&name), text) == 0);
    text[255] = 'x';
    text[299] = 0;
    saAisNameLend(text, &name);
    CHECK(name.length > 256);
    CHECK(saAisNameBorrow(&name) == text);
    saAisNameLend("", &name);
    CHECK_IS(name.length, 0);
    CHECK(strcmp(saAisNameBorrow(&name), "") == 0);
    saAisNameLend(NULL, &name);
    CHECK_IS(name.length, 0);
    saAisNameLend("x", NULL);
    CHECK(saAisNameBorrow(NULL) == NULL);
    name.length = 256;
    CHECK(saAisNameBorrow(&name) == NULL);
}
