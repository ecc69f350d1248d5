/* ckpt_bench overwrite|read|life COUNT */
#include "bench.h"
#include "saCkpt.h"

#include <string.h>

static SaCkptHandleT begin(void)
{
    SaVersionT version = {'B', 2, 2};
    SaCkptHandleT handle;
    CHECK(saCkptInitialize(&handle, NULL, &version));
    return handle;
}

static void life(void)
{
    CHECK(saCkptFinalize(begin()));
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    const int count = argc > 2 ? atoi(argv[2]) : 1000;
    SaCkptCheckpointCreationAttributesT attributes = {SA_CKPT_WR_ALL_REPLICAS, 4096, 0, 1, 4096, 8};
    SaCkptSectionIdT section = SA_CKPT_DEFAULT_SECTION_ID;
    SaCkptCheckpointHandleT checkpoint;
    SaCkptHandleT handle;
    SaNameT name;
    char data[1024];
    SaCkptIOVectorElementT vector = {section, data, sizeof data, 0, 0};

    if (strcmp(what, "life") == 0) {
        TIMES(count, life());
        return 0;
    }
    memset(data, 'x', sizeof data);
    handle = begin();
    saAisNameLend("safCkpt=bench,safApp=safCkptService", &name);
    CHECK(saCkptCheckpointOpen(handle, &name, &attributes, 7, SA_TIME_END, &checkpoint));
    CHECK(saCkptSectionOverwrite(checkpoint, &section, data, sizeof data));
    if (strcmp(what, "overwrite") == 0)
        TIMES(count, CHECK(saCkptSectionOverwrite(checkpoint, &section, data, sizeof data)));
    else
        TIMES(count, CHECK(saCkptCheckpointRead(checkpoint, &vector, 1, NULL)));
    CHECK(saCkptFinalize(handle));
    return 0;
}
