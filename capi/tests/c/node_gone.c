/*
 * A node that goes away and comes back. Says a line when it has got somewhere, and waits for a
 * line before it goes on.
 */
#include "ckpt.h"
#include "saClm.h"

#include <pthread.h>

jmp_buf check_failed;

static void opened(SaInvocationT invocation, SaCkptCheckpointHandleT handle, SaAisErrorT error)
{
    (void)invocation, (void)handle, (void)error;
}

static void *dispatch_blocking(void *argument)
{
    return (void *)(long)saCkptDispatch(*(SaCkptHandleT *)argument, SA_DISPATCH_BLOCKING);
}

static void say(const char *line)
{
    char answer[16];
    puts(line);
    fflush(stdout);
    MUST(fgets(answer, sizeof answer, stdin) != NULL);
}

int main(void)
{
    SaCkptCallbacksT callbacks = {opened, NULL};
    SaVersionT version = {'B', 2, 2};
    SaCkptCheckpointCreationAttributesT attrs = attributes(SA_CKPT_WR_ALL_REPLICAS, 169, 2, 85);
    SaNameT name = name_of(DN("gone"));
    SaCkptHandleT handle, old, none = 0;
    SaClmHandleT clm;
    SaClmClusterNodeT_4 node;
    SaCkptCheckpointHandleT it, it_old;
    SaCkptCheckpointDescriptorT status;
    SaAisErrorT error;
    SaSelectionObjectT object;
    struct pollfd fd;
    pthread_t thread;
    void *returned;

    MUST(saCkptInitialize(&handle, &callbacks, &version) == SA_AIS_OK);
    version = (SaVersionT){'B', 1, 1};
    MUST(saCkptInitialize(&old, NULL, &version) == SA_AIS_OK);
    version = (SaVersionT){'B', 4, 1};
    MUST(saClmInitialize_4(&clm, NULL, &version) == SA_AIS_OK);
    MUST(saCkptCheckpointOpen(handle, &name, &attrs, RWC, TEN_SECONDS, &it) == SA_AIS_OK);
    MUST(saCkptCheckpointOpen(old, &name, NULL, SA_CKPT_CHECKPOINT_READ, TEN_SECONDS, &it_old) == SA_AIS_OK);
    MUST(saCkptSelectionObjectGet(handle, &object) == SA_AIS_OK);
    MUST(pthread_create(&thread, NULL, dispatch_blocking, &handle) == 0);
    say("open");

    /* The node is gone. Who waited was woken. */
    MUST(pthread_join(thread, &returned) == 0);
    MUST((long)returned == SA_AIS_ERR_UNAVAILABLE);
    fd = (struct pollfd){(int)object, POLLIN, 0};
    MUST(poll(&fd, 1, 10000) == 1);
    /* One call may have been under way; from then on the handle is known to be stale. */
    error = saCkptCheckpointStatusGet(it, &status);
    MUST(error == SA_AIS_ERR_UNAVAILABLE || error == SA_AIS_ERR_TIMEOUT);
    MUST(saCkptCheckpointStatusGet(it, &status) == SA_AIS_ERR_UNAVAILABLE);
    MUST(saCkptCheckpointClose(it) == SA_AIS_ERR_UNAVAILABLE);
    error = saCkptCheckpointStatusGet(it_old, &status);
    MUST(error == SA_AIS_ERR_TRY_AGAIN || error == SA_AIS_ERR_TIMEOUT);
    MUST(saCkptCheckpointStatusGet(it_old, &status) == SA_AIS_ERR_TRY_AGAIN);
    error = saClmClusterNodeGet_4(clm, SA_CLM_LOCAL_NODE_ID, TEN_SECONDS, &node);
    MUST(error == SA_AIS_ERR_UNAVAILABLE || error == SA_AIS_ERR_TIMEOUT);
    version = (SaVersionT){'B', 2, 2};
    MUST(saCkptInitialize(&none, NULL, &version) == SA_AIS_ERR_TRY_AGAIN && none == 0);
    version = (SaVersionT){'B', 4, 1};
    MUST(saClmInitialize_4(&none, NULL, &version) == SA_AIS_ERR_TRY_AGAIN && none == 0);
    say("gone");

    /* There is a node again. What is stale stays so; it can be finalized, and one begins anew. */
    MUST(saCkptCheckpointStatusGet(it, &status) == SA_AIS_ERR_UNAVAILABLE);
    MUST(saCkptDispatch(handle, SA_DISPATCH_ALL) == SA_AIS_ERR_UNAVAILABLE);
    MUST(saCkptCheckpointStatusGet(it_old, &status) == SA_AIS_ERR_BAD_HANDLE);
    MUST(saCkptFinalize(handle) == SA_AIS_OK);
    MUST(saCkptFinalize(handle) == SA_AIS_ERR_BAD_HANDLE);
    MUST(saCkptFinalize(old) == SA_AIS_OK);
    MUST(saClmFinalize(clm) == SA_AIS_OK);
    version = (SaVersionT){'B', 2, 2};
    MUST(saCkptInitialize(&handle, &callbacks, &version) == SA_AIS_OK);
    MUST(saCkptCheckpointOpen(handle, &name, &attrs, RWC, TEN_SECONDS, &it) == SA_AIS_OK);
    MUST(saCkptCheckpointStatusGet(it, &status) == SA_AIS_OK && status.numberOfSections == 0);
    MUST(saCkptFinalize(handle) == SA_AIS_OK);
    puts("done");
    return 0;
}
