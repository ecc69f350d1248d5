/* Sizes, offsets and values of saClm.h. It compiles, or something is wrong. */
#define SA_CLM_B01 1
#include "saClm.h"

#include <stddef.h>

#define SIZE(type, size) _Static_assert(sizeof(type) == (size), #type)
#define AT(type, field, offset) _Static_assert(offsetof(type, field) == (offset), #type "." #field)
#define VALUE(name, value) _Static_assert((long long)(name) == (long long)(value), #name)

SIZE(SaClmHandleT, 8);
SIZE(SaClmNodeIdT, 4);
SIZE(SaClmNodeAddressFamilyT, 4);
SIZE(SaClmClusterChangesT, 4);
SIZE(SaClmChangeStepT, 4);
SIZE(SaClmResponseT, 4);

SIZE(SaClmNodeAddressT, 72);
_Static_assert(_Alignof(SaClmNodeAddressT) == 4, "SaClmNodeAddressT");
AT(SaClmNodeAddressT, family, 0);
AT(SaClmNodeAddressT, length, 4);
AT(SaClmNodeAddressT, value, 6);

SIZE(SaClmClusterNodeT, 360);
_Static_assert(_Alignof(SaClmClusterNodeT) == 8, "SaClmClusterNodeT");
AT(SaClmClusterNodeT, nodeId, 0);
AT(SaClmClusterNodeT, nodeAddress, 4);
AT(SaClmClusterNodeT, nodeName, 76);
AT(SaClmClusterNodeT, member, 336);
AT(SaClmClusterNodeT, bootTimestamp, 344);
AT(SaClmClusterNodeT, initialViewNumber, 352);
SIZE(SaClmClusterNotificationT, 368);
AT(SaClmClusterNotificationT, clusterNode, 0);
AT(SaClmClusterNotificationT, clusterChange, 360);
SIZE(SaClmClusterNotificationBufferT, 24);
AT(SaClmClusterNotificationBufferT, viewNumber, 0);
AT(SaClmClusterNotificationBufferT, numberOfItems, 8);
AT(SaClmClusterNotificationBufferT, notification, 16);

SIZE(SaClmClusterNodeT_4, 616);
_Static_assert(_Alignof(SaClmClusterNodeT_4) == 8, "SaClmClusterNodeT_4");
AT(SaClmClusterNodeT_4, nodeId, 0);
AT(SaClmClusterNodeT_4, nodeAddress, 4);
AT(SaClmClusterNodeT_4, nodeName, 76);
AT(SaClmClusterNodeT_4, executionEnvironment, 334);
AT(SaClmClusterNodeT_4, member, 592);
AT(SaClmClusterNodeT_4, bootTimestamp, 600);
AT(SaClmClusterNodeT_4, initialViewNumber, 608);
SIZE(SaClmClusterNotificationT_4, 624);
AT(SaClmClusterNotificationT_4, clusterNode, 0);
AT(SaClmClusterNotificationT_4, clusterChange, 616);
SIZE(SaClmClusterNotificationBufferT_4, 24);
AT(SaClmClusterNotificationBufferT_4, viewNumber, 0);
AT(SaClmClusterNotificationBufferT_4, numberOfItems, 8);
AT(SaClmClusterNotificationBufferT_4, notification, 16);

SIZE(SaClmCallbacksT, 16);
AT(SaClmCallbacksT, saClmClusterNodeGetCallback, 0);
AT(SaClmCallbacksT, saClmClusterTrackCallback, 8);
SIZE(SaClmCallbacksT_4, 16);
AT(SaClmCallbacksT_4, saClmClusterNodeGetCallback, 0);
AT(SaClmCallbacksT_4, saClmClusterTrackCallback, 8);

VALUE(SA_CLM_LOCAL_NODE_ID, 0xFFFFFFFFLL);
VALUE(SA_CLM_MAX_ADDRESS_LENGTH, 64);
VALUE(SA_CLM_AF_INET, 1);
VALUE(SA_CLM_AF_INET6, 2);
VALUE(SA_CLM_NODE_NO_CHANGE, 1);
VALUE(SA_CLM_NODE_JOINED, 2);
VALUE(SA_CLM_NODE_LEFT, 3);
VALUE(SA_CLM_NODE_RECONFIGURED, 4);
VALUE(SA_CLM_NODE_UNLOCK, 5);
VALUE(SA_CLM_NODE_SHUTDOWN, 6);
VALUE(SA_CLM_CLUSTER_CHANGE_STATUS, 1);
VALUE(SA_CLM_ADMIN_STATE, 2);
VALUE(SA_CLM_ADMIN_UNLOCK, 1);
VALUE(SA_CLM_ADMIN_LOCK, 2);
VALUE(SA_CLM_ADMIN_SHUTDOWN, 3);
VALUE(SA_CLM_ADMIN_UNLOCKED, 1);
VALUE(SA_CLM_ADMIN_LOCKED, 2);
VALUE(SA_CLM_ADMIN_SHUTTING_DOWN, 3);
VALUE(SA_CLM_NODE_NAME, 1);
VALUE(SA_CLM_ROOT_CAUSE_ENTITY, 1);
VALUE(SA_CLM_CHANGE_VALIDATE, 1);
VALUE(SA_CLM_CHANGE_START, 2);
VALUE(SA_CLM_CHANGE_ABORTED, 3);
VALUE(SA_CLM_CHANGE_COMPLETED, 4);
VALUE(SA_CLM_CALLBACK_RESPONSE_OK, 1);
VALUE(SA_CLM_CALLBACK_RESPONSE_REJECTED, 2);
VALUE(SA_CLM_CALLBACK_RESPONSE_ERROR, 3);
VALUE(SA_CLM_NTFID_NODE_JOIN, 0x65);
VALUE(SA_CLM_NTFID_NODE_LEAVE, 0x66);
VALUE(SA_CLM_NTFID_NODE_RECONFIG, 0x67);
VALUE(SA_CLM_NTFID_NODE_ADMIN_STATE, 0x68);

/* The functions have exactly these types. */
SaAisErrorT (*initialize)(SaClmHandleT *, const SaClmCallbacksT *, SaVersionT *) = saClmInitialize;
SaAisErrorT (*initialize_4)(SaClmHandleT *, const SaClmCallbacksT_4 *, SaVersionT *) = saClmInitialize_4;
SaAisErrorT (*track_4)(SaClmHandleT, SaUint8T, SaClmClusterNotificationBufferT_4 *) = saClmClusterTrack_4;
SaAisErrorT (*get_4)(SaClmHandleT, SaClmNodeIdT, SaTimeT, SaClmClusterNodeT_4 *) = saClmClusterNodeGet_4;
SaAisErrorT (*response_4)(SaClmHandleT, SaInvocationT, SaClmResponseT) = saClmResponse_4;
