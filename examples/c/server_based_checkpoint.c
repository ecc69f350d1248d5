/*
 * A counter in a server-based checkpoint, in C.
 *
 * Run it on two nodes. Both open the same checkpoint; the one that is told to be active (SIGUSR1)
 * counts and keeps its number in it. When the active one is lost with its node, tell the other one:
 * it makes its own replica the active one, reads the number, and goes on from there. Who tells is
 * usually an availability manager; here it is you. SIGTERM ends a program in good order.
 *
 *     cc server_based_checkpoint.c $(pkg-config --cflags --libs libSaCkpt) -o counter
 *     ./counter [milliseconds between two numbers]
 */
#include <saCkpt.h>

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char CHECKPOINT[] = "SampleCkptTest";
static const char SECTION[] = "1";
#define NO_TIMEOUT ((SaTimeT)-1)

static volatile sig_atomic_t told_to_be_active, told_to_end;

static void on_signal(int number)
{
    if (number == SIGUSR1)
        told_to_be_active = 1;
    else
        told_to_end = 1;
}

static SaCkptHandleT library;
static SaCkptCheckpointHandleT checkpoint;

static SaCkptSectionIdT section_id(void)
{
    SaCkptSectionIdT id = {1, (SaUint8T *)SECTION};
    return id;
}

static int failed(const char *what, SaAisErrorT error)
{
    if (error == SA_AIS_OK)
        return 0;
    printf("%s failed [rc = 0x%x]\n", what, error);
    return 1;
}

static int counter_write(SaUint32T number)
{
    SaCkptSectionIdT id = section_id();
    SaUint32T data = htonl(number);
    printf("CkptWrite: seq = %u\n", number);
    if (failed("saCkptSectionOverwrite", saCkptSectionOverwrite(checkpoint, &id, &data, sizeof data)))
        return 0;
    /* From here on the number survives the loss of this node. */
    return !failed("saCkptCheckpointSynchronize", saCkptCheckpointSynchronize(checkpoint, SA_TIME_END));
}

static int counter_read(SaUint32T *number)
{
    SaUint32T data = 0xffffffff, index = 0;
    SaCkptIOVectorElementT vector = {section_id(), &data, sizeof data, 0, 0};
    if (failed("saCkptCheckpointRead", saCkptCheckpointRead(checkpoint, &vector, 1, &index)))
        return 0;
    *number = ntohl(data);
    printf("CheckpointRead: seq = %u\n", *number);
    return 1;
}

static int begin(void)
{
    SaVersionT version = {'B', 1, 1};
    SaCkptCheckpointCreationAttributesT attributes = {
        .creationFlags = SA_CKPT_WR_ACTIVE_REPLICA_WEAK | SA_CKPT_CHECKPOINT_COLLOCATED,
        .checkpointSize = sizeof(SaUint32T),
        .retentionDuration = 0,
        .maxSections = 2,
        .maxSectionSize = sizeof(SaUint32T),
        .maxSectionIdSize = 64,
    };
    const SaCkptCheckpointOpenFlagsT flags =
        SA_CKPT_CHECKPOINT_READ | SA_CKPT_CHECKPOINT_WRITE | SA_CKPT_CHECKPOINT_CREATE;
    SaNameT name;

    puts("Initializing the checkpoint");
    if (failed("saCkptInitialize", saCkptInitialize(&library, NULL, &version)))
        return 0;
    printf("Checkpoint service initialized [handle=0x%llx]\n", library);
    saAisNameLend(CHECKPOINT, &name);
    if (failed("saCkptCheckpointOpen",
               saCkptCheckpointOpen(library, &name, &attributes, flags, NO_TIMEOUT, &checkpoint)))
        return 0;
    printf("Checkpoint opened [Checkpoint handle=0x%llx]\n", checkpoint);
    return 1;
}

/* Whoever comes first creates the section; the other one finds it there. */
static int create_section(SaUint32T *number)
{
    SaCkptSectionIdT id = section_id();
    SaCkptSectionCreationAttributesT attributes = {&id, SA_TIME_END};
    const SaUint32T zero = 0;
    SaAisErrorT error;

    if (failed("saCkptActiveReplicaSet", saCkptActiveReplicaSet(checkpoint)))
        return 0;
    error = saCkptSectionCreate(checkpoint, &attributes, &zero, sizeof zero);
    if (error == SA_AIS_ERR_EXIST)
        return counter_read(number);
    if (failed("saCkptSectionCreate", error))
        return 0;
    puts("Section created");
    return 1;
}

static int become_active(SaUint32T *number)
{
    puts("Active");
    return !failed("saCkptActiveReplicaSet", saCkptActiveReplicaSet(checkpoint)) && counter_read(number);
}

int main(int argc, char **argv)
{
    const int pause = argc > 1 ? atoi(argv[1]) : 1000;
    struct sigaction action;
    SaUint32T number = 0;
    int active = 0, good;

    setvbuf(stdout, NULL, _IOLBF, 0);
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGTERM, &action, NULL);

    good = begin() && create_section(&number);
    while (good && !told_to_end) {
        if (told_to_be_active && !active) {
            active = 1;
            good = become_active(&number);
        }
        if (good && active)
            good = counter_write(number++);
        /* A signal cuts the pause short. */
        if (good)
            poll(NULL, 0, pause);
    }
    if (checkpoint != 0)
        failed("saCkptCheckpointClose", saCkptCheckpointClose(checkpoint));
    if (library != 0)
        failed("saCkptFinalize", saCkptFinalize(library));
    puts("Ended");
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
