/*
 * A node that has lost its group: calls wait, those with a time-out no longer than that. Finalize
 * ends the wait. Says a line when it has got somewhere, and waits for a line before it goes on.
 */
#include "ckpt.h"

#include <pthread.h>

jmp_buf check_failed;

static SaCkptHandleT handle;
static SaCkptCheckpointHandleT it;
static int returned;

static void *overwrite(void *argument)
{
    SaCkptSectionIdT id = section("11");
    SaAisErrorT error = saCkptSectionOverwrite(it, &id, "y", 1);
    (void)argument;
    __atomic_add_fetch(&returned, 1, __ATOMIC_SEQ_CST);
    return (void *)(long)error;
}

static void *open_another(void *argument)
{
    SaCkptCheckpointCreationAttributesT attrs = attributes(SA_CKPT_WR_ALL_REPLICAS, 169, 2, 85);
    SaNameT name = name_of(DN("another"));
    SaCkptCheckpointHandleT opened;
    SaAisErrorT error = saCkptCheckpointOpen(handle, &name, &attrs, RWC, SA_TIME_END, &opened);
    (void)argument;
    __atomic_add_fetch(&returned, 1, __ATOMIC_SEQ_CST);
    return (void *)(long)error;
}

int main(void)
{
    SaVersionT version = {'B', 2, 2};
    SaCkptCheckpointCreationAttributesT attrs = attributes(SA_CKPT_WR_ALL_REPLICAS, 169, 2, 85);
    SaNameT name = name_of(DN("quorum")), another = name_of(DN("another"));
    SaCkptHandleT second;
    SaCkptCheckpointHandleT opened;
    pthread_t threads[2];
    void *error;
    char answer[16];
    int i;

    MUST(saCkptInitialize(&handle, NULL, &version) == SA_AIS_OK);
    MUST(saCkptInitialize(&second, NULL, &version) == SA_AIS_OK);
    MUST(saCkptCheckpointOpen(handle, &name, &attrs, RWC, TEN_SECONDS, &it) == SA_AIS_OK);
    MUST(create(it, "11", "x") == SA_AIS_OK);
    puts("open");
    fflush(stdout);
    MUST(fgets(answer, sizeof answer, stdin) != NULL);

    MUST(saCkptCheckpointOpen(second, &another, &attrs, RWC, SA_TIME_ONE_SECOND / 2, &opened) ==
         SA_AIS_ERR_TIMEOUT);
    MUST(pthread_create(&threads[0], NULL, overwrite, NULL) == 0);
    MUST(pthread_create(&threads[1], NULL, open_another, NULL) == 0);
    poll(NULL, 0, 1000);
    MUST(__atomic_load_n(&returned, __ATOMIC_SEQ_CST) == 0);
    MUST(saCkptFinalize(handle) == SA_AIS_OK);
    for (i = 0; i < 2; i++) {
        MUST(pthread_join(threads[i], &error) == 0);
        MUST((long)error == SA_AIS_ERR_BAD_HANDLE);
    }
    MUST(saCkptSectionIdFree(it, NULL) == SA_AIS_ERR_BAD_HANDLE);
    MUST(saCkptFinalize(second) == SA_AIS_OK);
    puts("done");
    return 0;
}
