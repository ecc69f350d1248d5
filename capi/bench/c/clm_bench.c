/* clm_bench get|life COUNT */
#include "bench.h"
#include "saClm.h"

#include <string.h>

static SaClmHandleT begin(void)
{
    SaVersionT version = {'B', 4, 1};
    SaClmHandleT handle;
    CHECK(saClmInitialize_4(&handle, NULL, &version));
    return handle;
}

static void life(void)
{
    CHECK(saClmFinalize(begin()));
}

int main(int argc, char **argv)
{
    const int count = argc > 2 ? atoi(argv[2]) : 1000;
    SaClmClusterNodeT_4 node;
    SaClmHandleT handle;

    if (argc > 1 && strcmp(argv[1], "life") == 0) {
        TIMES(count, life());
        return 0;
    }
    handle = begin();
    TIMES(count, CHECK(saClmClusterNodeGet_4(handle, SA_CLM_LOCAL_NODE_ID, SA_TIME_END, &node)));
    CHECK(saClmFinalize(handle));
    return 0;
}
