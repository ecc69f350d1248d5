/* Everything that a library could complain of; it says nothing unless it is asked to. */
#include "ckpt.h"
#include "saClm.h"

jmp_buf check_failed;

int main(void)
{
    SaVersionT version = {'B', 2, 2}, none = {'Z', 9, 9};
    SaClmClusterNodeT_4 node;
    SaCkptHandleT handle;
    SaClmHandleT clm;
    MUST(saCkptInitialize(NULL, NULL, &version) == SA_AIS_ERR_INVALID_PARAM);
    MUST(saCkptInitialize(&handle, NULL, &none) == SA_AIS_ERR_VERSION);
    MUST(saCkptFinalize(4711) == SA_AIS_ERR_BAD_HANDLE);
    MUST(saClmInitialize_4(NULL, NULL, &version) == SA_AIS_ERR_INVALID_PARAM);
    MUST(saClmClusterNodeGet_4(4711, 1, 0, &node) == SA_AIS_ERR_BAD_HANDLE);
    /* There is no node. */
    MUST(saCkptInitialize(&handle, NULL, &version) == SA_AIS_ERR_TRY_AGAIN);
    version = (SaVersionT){'B', 4, 1};
    MUST(saClmInitialize_4(&clm, NULL, &version) == SA_AIS_ERR_TRY_AGAIN);
    return 0;
}
