/* CLM of release B.01, and nothing newer. */
#include "saClm.h"
#include "vendor.h"

FUNCTION(saClmInitialize,
         (SaClmHandleT *handle, const SaClmCallbacksT *callbacks, SaVersionT *version),
         (handle, callbacks, version))
FUNCTION(saClmSelectionObjectGet, (SaClmHandleT handle, SaSelectionObjectT *object),
         (handle, object))
FUNCTION(saClmDispatch, (SaClmHandleT handle, SaDispatchFlagsT flags), (handle, flags))
FUNCTION(saClmFinalize, (SaClmHandleT handle), (handle))
FUNCTION(saClmClusterTrack,
         (SaClmHandleT handle, SaUint8T flags, SaClmClusterNotificationBufferT *buffer),
         (handle, flags, buffer))
FUNCTION(saClmClusterTrackStop, (SaClmHandleT handle), (handle))
FUNCTION(saClmClusterNodeGet,
         (SaClmHandleT handle, SaClmNodeIdT node, SaTimeT timeout, SaClmClusterNodeT *found),
         (handle, node, timeout, found))
FUNCTION(saClmClusterNodeGetAsync,
         (SaClmHandleT handle, SaInvocationT invocation, SaClmNodeIdT node),
         (handle, invocation, node))
