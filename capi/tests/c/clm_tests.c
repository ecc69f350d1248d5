/* Every function of saClm.h. */
#define SA_CLM_B01 1
#include "check.h"
#include "saClm.h"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEN_SECONDS (10 * SA_TIME_ONE_SECOND)

static int nodes_told, tracks_told;
static SaInvocationT invocation_told;
static SaAisErrorT error_told;
static SaClmNodeIdT node_told;
static SaUint32T members_told, items_told;
static SaUint64T view_told;
static SaClmChangeStepT step_told;

static void on_node(SaInvocationT invocation, const SaClmClusterNodeT *node, SaAisErrorT error)
{
    nodes_told++;
    invocation_told = invocation;
    error_told = error;
    node_told = error == SA_AIS_OK ? node->nodeId : 0;
}

static void on_node_4(SaInvocationT invocation, const SaClmClusterNodeT_4 *node, SaAisErrorT error)
{
    nodes_told++;
    invocation_told = invocation;
    error_told = error;
    node_told = error == SA_AIS_OK ? node->nodeId : 0;
}

static void on_track(const SaClmClusterNotificationBufferT *buffer, SaUint32T members,
                     SaAisErrorT error)
{
    tracks_told++;
    error_told = error;
    members_told = members;
    items_told = buffer->numberOfItems;
    view_told = buffer->viewNumber;
    MUST(buffer->notification[0].clusterNode.nodeId != 0);
}

static void on_track_4(const SaClmClusterNotificationBufferT_4 *buffer, SaUint32T members,
                       SaInvocationT invocation, const SaNameT *cause,
                       const SaNtfCorrelationIdsT *ids, SaClmChangeStepT step,
                       SaTimeT supervision, SaAisErrorT error)
{
    tracks_told++;
    error_told = error;
    members_told = members;
    items_told = buffer->numberOfItems;
    view_told = buffer->viewNumber;
    step_told = step;
    invocation_told = invocation;
    MUST(cause == NULL && supervision == 0);
    MUST(ids == NULL || ids->notificationId == SA_NTF_IDENTIFIER_UNUSED);
    MUST(buffer->notification[0].clusterNode.member == SA_TRUE);
}

static const SaClmCallbacksT old_callbacks = {on_node, on_track};
static const SaClmCallbacksT_4 new_callbacks = {on_node_4, on_track_4};

static SaClmHandleT begin(const SaClmCallbacksT *callbacks)
{
    SaClmHandleT handle = 0;
    SaVersionT version = {'B', 1, 0};
    CHECK_IS(saClmInitialize(&handle, callbacks, &version), SA_AIS_OK);
    CHECK(version.releaseCode == 'B' && version.majorVersion == 1 && version.minorVersion == 1);
    return handle;
}

static SaClmHandleT begin_4(const SaClmCallbacksT_4 *callbacks)
{
    SaClmHandleT handle = 0;
    SaVersionT version = {'B', 4, 0};
    CHECK_IS(saClmInitialize_4(&handle, callbacks, &version), SA_AIS_OK);
    CHECK(version.releaseCode == 'B' && version.majorVersion == 4 && version.minorVersion == 1);
    return handle;
}

static int readable(SaClmHandleT handle, int milliseconds)
{
    SaSelectionObjectT object;
    struct pollfd fd;
    CHECK_IS(saClmSelectionObjectGet(handle, &object), SA_AIS_OK);
    fd.fd = (int)object;
    fd.events = POLLIN;
    return poll(&fd, 1, milliseconds) == 1;
}

static void test_saClmInitialize(void)
{
    SaClmHandleT handle = 77, other;
    SaVersionT version = {'B', 2, 0};
    CHECK_IS(saClmInitialize(&handle, NULL, &version), SA_AIS_ERR_VERSION);
    CHECK(version.releaseCode == 'B' && version.majorVersion == 1 && version.minorVersion == 1);
    version = (SaVersionT){'A', 1, 1};
    CHECK_IS(saClmInitialize(&handle, NULL, &version), SA_AIS_ERR_VERSION);
    CHECK_IS(version.releaseCode, 'B');
    CHECK_IS(handle, 77);
    CHECK_IS(saClmInitialize(NULL, NULL, &version), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saClmInitialize(&handle, NULL, NULL), SA_AIS_ERR_INVALID_PARAM);
    handle = begin(NULL);
    other = begin(&old_callbacks);
    CHECK(handle != other);
    CHECK_IS(saClmFinalize(handle), SA_AIS_OK);
    CHECK_IS(saClmFinalize(other), SA_AIS_OK);
}

static void test_saClmInitialize_4(void)
{
    SaClmHandleT handle = 77;
    SaVersionT version = {'B', 1, 1};
    CHECK_IS(saClmInitialize_4(&handle, NULL, &version), SA_AIS_ERR_VERSION);
    CHECK(version.majorVersion == 4 && version.minorVersion == 1);
    version = (SaVersionT){'B', 5, 0};
    CHECK_IS(saClmInitialize_4(&handle, NULL, &version), SA_AIS_ERR_VERSION);
    CHECK(version.majorVersion == 4 && version.minorVersion == 1);
    version = (SaVersionT){'C', 1, 1};
    CHECK_IS(saClmInitialize_4(&handle, NULL, &version), SA_AIS_ERR_VERSION);
    CHECK_IS(version.releaseCode, 'B');
    CHECK_IS(saClmInitialize_4(NULL, NULL, &version), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saClmInitialize_4(&handle, NULL, NULL), SA_AIS_ERR_INVALID_PARAM);
    version = (SaVersionT){'B', 2, 0};
    CHECK_IS(saClmInitialize_4(&handle, NULL, &version), SA_AIS_OK);
    CHECK(version.majorVersion == 4 && version.minorVersion == 1);
    CHECK_IS(saClmFinalize(handle), SA_AIS_OK);
}

static void test_saClmSelectionObjectGet(void)
{
    SaClmHandleT handle = begin_4(&new_callbacks);
    SaSelectionObjectT one, two;
    CHECK_IS(saClmSelectionObjectGet(handle, &one), SA_AIS_OK);
    CHECK_IS(saClmSelectionObjectGet(handle, &two), SA_AIS_OK);
    CHECK_IS(one, two);
    CHECK_IS(saClmSelectionObjectGet(handle, NULL), SA_AIS_ERR_INVALID_PARAM);
    CHECK(!readable(handle, 100));
    CHECK_IS(saClmFinalize(handle), SA_AIS_OK);
    CHECK_IS(saClmSelectionObjectGet(handle, &one), SA_AIS_ERR_BAD_HANDLE);
    CHECK_IS(saClmSelectionObjectGet(0, &one), SA_AIS_ERR_BAD_HANDLE);
}

static void test_saClmDispatch(void)
{
    SaClmHandleT handle = begin_4(&new_callbacks);
    nodes_told = 0;
    CHECK_IS(saClmDispatch(handle, SA_DISPATCH_ONE), SA_AIS_OK);
    CHECK_IS(saClmDispatch(handle, SA_DISPATCH_ALL), SA_AIS_OK);
    CHECK_IS(saClmDispatch(handle, 0), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saClmDispatch(handle, 17), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saClmClusterNodeGetAsync(handle, 1, SA_CLM_LOCAL_NODE_ID), SA_AIS_OK);
    CHECK_IS(saClmClusterNodeGetAsync(handle, 2, SA_CLM_LOCAL_NODE_ID), SA_AIS_OK);
    CHECK(readable(handle, 10000));
    CHECK_IS(saClmDispatch(handle, SA_DISPATCH_ONE), SA_AIS_OK);
    CHECK(nodes_told == 1 && invocation_told == 1);
    CHECK(readable(handle, 10000));
    CHECK_IS(saClmDispatch(handle, SA_DISPATCH_ALL), SA_AIS_OK);
    CHECK(nodes_told == 2 && invocation_told == 2);
    CHECK(!readable(handle, 50));
    CHECK_IS(saClmFinalize(handle), SA_AIS_OK);
    CHECK_IS(saClmDispatch(handle, SA_DISPATCH_ALL), SA_AIS_ERR_BAD_HANDLE);
}

static void test_saClmFinalize(void)
{
    SaClmHandleT handle = begin_4(&new_callbacks);
    CHECK_IS(saClmClusterTrack_4(handle, SA_TRACK_CHANGES, NULL), SA_AIS_OK);
    CHECK_IS(saClmFinalize(handle), SA_AIS_OK);
    CHECK_IS(saClmFinalize(handle), SA_AIS_ERR_BAD_HANDLE);
    CHECK_IS(saClmFinalize(0), SA_AIS_ERR_BAD_HANDLE);
    CHECK_IS(saClmFinalize(~0ULL), SA_AIS_ERR_BAD_HANDLE);
}

static void test_saClmClusterTrack(void)
{
    SaClmHandleT handle = begin(&old_callbacks), without = begin(NULL), newer = begin_4(NULL);
    SaClmClusterNotificationT own[4];
    SaClmClusterNotificationBufferT buffer = {0, 4, own};
    CHECK_IS(saClmClusterTrack(handle, SA_TRACK_CURRENT, &buffer), SA_AIS_OK);
    CHECK(buffer.numberOfItems == 1 && buffer.viewNumber > 0 && buffer.notification == own);
    CHECK_IS(own[0].clusterChange, SA_CLM_NODE_NO_CHANGE);
    CHECK_IS(own[0].clusterNode.member, SA_TRUE);
    CHECK(own[0].clusterNode.nodeName.length > 0);
    CHECK_IS(own[0].clusterNode.nodeName.value[own[0].clusterNode.nodeName.length], 0);
    CHECK_IS(own[0].clusterNode.nodeAddress.family, SA_CLM_AF_INET);
    buffer.numberOfItems = 0;
    CHECK_IS(saClmClusterTrack(handle, SA_TRACK_CURRENT, &buffer), SA_AIS_ERR_INVALID_PARAM);
    /* The library allocates, the program frees. */
    buffer = (SaClmClusterNotificationBufferT){0, 77, NULL};
    CHECK_IS(saClmClusterTrack(handle, SA_TRACK_CURRENT, &buffer), SA_AIS_OK);
    CHECK(buffer.numberOfItems == 1 && buffer.notification != NULL);
    free(buffer.notification);
    buffer.notification = NULL;
    CHECK_IS(saClmClusterTrack(handle, 0, NULL), SA_AIS_ERR_BAD_FLAGS);
    CHECK_IS(saClmClusterTrack(handle, SA_TRACK_CHANGES | SA_TRACK_CHANGES_ONLY, NULL),
             SA_AIS_ERR_BAD_FLAGS);
    CHECK_IS(saClmClusterTrack(handle, SA_TRACK_CHANGES | SA_TRACK_LOCAL, NULL),
             SA_AIS_ERR_BAD_FLAGS);
    CHECK_IS(saClmClusterTrack(without, SA_TRACK_CHANGES, NULL), SA_AIS_ERR_INIT);
    CHECK_IS(saClmClusterTrack(without, SA_TRACK_CURRENT, NULL), SA_AIS_ERR_INIT);
    CHECK_IS(saClmClusterTrack(newer, SA_TRACK_CURRENT, &buffer), SA_AIS_ERR_VERSION);
    CHECK_IS(saClmClusterTrack(77, SA_TRACK_CURRENT, &buffer), SA_AIS_ERR_BAD_HANDLE);
    CHECK(buffer.notification == NULL);
    tracks_told = 0;
    CHECK_IS(saClmClusterTrack(handle, SA_TRACK_CURRENT | SA_TRACK_CHANGES, NULL), SA_AIS_OK);
    CHECK(readable(handle, 10000));
    CHECK_IS(saClmDispatch(handle, SA_DISPATCH_ALL), SA_AIS_OK);
    CHECK(tracks_told == 1 && members_told == 1 && items_told == 1 && error_told == SA_AIS_OK);
    CHECK_IS(saClmFinalize(handle), SA_AIS_OK);
    CHECK_IS(saClmFinalize(without), SA_AIS_OK);
    CHECK_IS(saClmFinalize(newer), SA_AIS_OK);
}

static void test_saClmClusterTrack_4(void)
{
    SaClmHandleT handle = begin_4(&new_callbacks), without = begin_4(NULL), older = begin(NULL);
    SaClmClusterNotificationT_4 own[4];
    SaClmClusterNotificationBufferT_4 buffer = {0, 4, own};
    CHECK_IS(saClmClusterTrack_4(handle, SA_TRACK_CURRENT | SA_TRACK_LOCAL, &buffer), SA_AIS_OK);
    CHECK(buffer.numberOfItems == 1 && own[0].clusterNode.member == SA_TRUE);
    CHECK(own[0].clusterNode.bootTimestamp > 0 && own[0].clusterNode.initialViewNumber > 0);
    CHECK_IS(saClmClusterTrack_4(without, SA_TRACK_CURRENT, &buffer), SA_AIS_OK);
    CHECK_IS(saClmClusterTrack_4(without, SA_TRACK_CURRENT, NULL), SA_AIS_ERR_INIT);
    CHECK_IS(saClmClusterTrack_4(without, SA_TRACK_CHANGES_ONLY, &buffer), SA_AIS_ERR_INIT);
    CHECK_IS(saClmClusterTrack_4(older, SA_TRACK_CURRENT, &buffer), SA_AIS_ERR_VERSION);
    CHECK_IS(saClmClusterTrack_4(handle, SA_TRACK_LOCAL, NULL), SA_AIS_ERR_BAD_FLAGS);
    CHECK_IS(saClmClusterTrack_4(handle, 0xC1, NULL), SA_AIS_ERR_BAD_FLAGS);
    tracks_told = 0;
    CHECK_IS(saClmClusterTrack_4(handle, SA_TRACK_CURRENT, NULL), SA_AIS_OK);
    CHECK(readable(handle, 10000));
    CHECK_IS(saClmDispatch(handle, SA_DISPATCH_ALL), SA_AIS_OK);
    CHECK(tracks_told == 1 && members_told == 1 && step_told == SA_CLM_CHANGE_COMPLETED);
    CHECK_IS(view_told, buffer.viewNumber);
    CHECK_IS(invocation_told, 0);
    CHECK_IS(saClmFinalize(handle), SA_AIS_OK);
    CHECK_IS(saClmFinalize(without), SA_AIS_OK);
    CHECK_IS(saClmFinalize(older), SA_AIS_OK);
}

static void test_saClmClusterTrackStop(void)
{
    SaClmHandleT handle = begin_4(&new_callbacks);
    CHECK_IS(saClmClusterTrackStop(handle), SA_AIS_ERR_NOT_EXIST);
    CHECK_IS(saClmClusterTrack_4(handle, SA_TRACK_CURRENT | SA_TRACK_CHANGES, NULL), SA_AIS_OK);
    CHECK(readable(handle, 10000));
    CHECK_IS(saClmClusterTrackStop(handle), SA_AIS_OK);
    /* What was pending is removed. */
    tracks_told = 0;
    CHECK_IS(saClmDispatch(handle, SA_DISPATCH_ALL), SA_AIS_OK);
    CHECK_IS(tracks_told, 0);
    CHECK_IS(saClmClusterTrackStop(handle), SA_AIS_ERR_NOT_EXIST);
    CHECK_IS(saClmClusterTrackStop(0), SA_AIS_ERR_BAD_HANDLE);
    CHECK_IS(saClmFinalize(handle), SA_AIS_OK);
}

static void test_saClmClusterNotificationFree(void)
{
    SaClmHandleT handle = begin(NULL), newer = begin_4(NULL);
    SaClmClusterNotificationBufferT buffer = {0, 0, NULL};
    SaClmClusterNotificationBufferT_4 buffer_4 = {0, 0, NULL};
    SaClmClusterNotificationT mine;
    CHECK_IS(saClmClusterTrack(handle, SA_TRACK_CURRENT, &buffer), SA_AIS_OK);
    CHECK_IS(saClmClusterTrack_4(newer, SA_TRACK_CURRENT, &buffer_4), SA_AIS_OK);
    CHECK_IS(saClmClusterNotificationFree(handle, NULL), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saClmClusterNotificationFree_4(newer, NULL), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saClmClusterNotificationFree(handle, &mine), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saClmClusterNotificationFree(newer, buffer.notification), SA_AIS_ERR_VERSION);
    CHECK_IS(saClmClusterNotificationFree_4(handle, buffer_4.notification), SA_AIS_ERR_VERSION);
    CHECK_IS(saClmClusterNotificationFree(0, buffer.notification), SA_AIS_ERR_BAD_HANDLE);
    CHECK_IS(saClmClusterNotificationFree(handle, buffer.notification), SA_AIS_OK);
    CHECK_IS(saClmClusterNotificationFree(handle, buffer.notification), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saClmClusterNotificationFree_4(newer, buffer_4.notification), SA_AIS_OK);
    CHECK_IS(saClmFinalize(handle), SA_AIS_OK);
    CHECK_IS(saClmFinalize(newer), SA_AIS_OK);
}

static void test_saClmClusterNodeGet(void)
{
    SaClmHandleT handle = begin(NULL), newer = begin_4(NULL);
    SaClmClusterNodeT node;
    memset(&node, 0xAA, sizeof node);
    CHECK_IS(saClmClusterNodeGet(handle, SA_CLM_LOCAL_NODE_ID, TEN_SECONDS, &node), SA_AIS_OK);
    CHECK(node.nodeId != SA_CLM_LOCAL_NODE_ID && node.nodeId != 0 && node.member == SA_TRUE);
    CHECK_IS(saClmClusterNodeGet(handle, node.nodeId, SA_TIME_END, &node), SA_AIS_OK);
    CHECK_IS(saClmClusterNodeGet(handle, 4711, TEN_SECONDS, &node), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saClmClusterNodeGet(handle, node.nodeId, TEN_SECONDS, NULL), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saClmClusterNodeGet(newer, node.nodeId, TEN_SECONDS, &node), SA_AIS_ERR_VERSION);
    CHECK_IS(saClmClusterNodeGet(0, node.nodeId, TEN_SECONDS, &node), SA_AIS_ERR_BAD_HANDLE);
    CHECK_IS(saClmFinalize(handle), SA_AIS_OK);
    CHECK_IS(saClmFinalize(newer), SA_AIS_OK);
}

static void test_saClmClusterNodeGet_4(void)
{
    SaClmHandleT handle = begin_4(NULL), older = begin(NULL);
    SaClmClusterNodeT_4 node;
    memset(&node, 0xAA, sizeof node);
    CHECK_IS(saClmClusterNodeGet_4(handle, SA_CLM_LOCAL_NODE_ID, TEN_SECONDS, &node), SA_AIS_OK);
    CHECK(node.nodeId != SA_CLM_LOCAL_NODE_ID && node.nodeId != 0 && node.member == SA_TRUE);
    CHECK(node.bootTimestamp > 0 && node.initialViewNumber > 0);
    CHECK_IS(saClmClusterNodeGet_4(handle, 4711, TEN_SECONDS, &node), SA_AIS_ERR_NOT_EXIST);
    CHECK_IS(saClmClusterNodeGet_4(handle, 0, TEN_SECONDS, &node), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saClmClusterNodeGet_4(handle, 1, -1, &node), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saClmClusterNodeGet_4(handle, SA_CLM_LOCAL_NODE_ID, 0, &node), SA_AIS_ERR_TIMEOUT);
    CHECK_IS(saClmClusterNodeGet_4(handle, 1, TEN_SECONDS, NULL), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saClmClusterNodeGet_4(older, 1, TEN_SECONDS, &node), SA_AIS_ERR_VERSION);
    CHECK_IS(saClmFinalize(handle), SA_AIS_OK);
    CHECK_IS(saClmFinalize(older), SA_AIS_OK);
}

static void test_saClmClusterNodeGetAsync(void)
{
    SaClmHandleT handle = begin(&old_callbacks), without = begin_4(NULL);
    CHECK_IS(saClmClusterNodeGetAsync(without, 1, SA_CLM_LOCAL_NODE_ID), SA_AIS_ERR_INIT);
    CHECK_IS(saClmClusterNodeGetAsync(0, 1, SA_CLM_LOCAL_NODE_ID), SA_AIS_ERR_BAD_HANDLE);
    nodes_told = 0;
    CHECK_IS(saClmClusterNodeGetAsync(handle, 5, SA_CLM_LOCAL_NODE_ID), SA_AIS_OK);
    CHECK(readable(handle, 10000));
    CHECK_IS(saClmDispatch(handle, SA_DISPATCH_ONE), SA_AIS_OK);
    CHECK(nodes_told == 1 && invocation_told == 5 && error_told == SA_AIS_OK && node_told != 0);
    CHECK_IS(saClmClusterNodeGetAsync(handle, 6, 4711), SA_AIS_OK);
    CHECK(readable(handle, 10000));
    CHECK_IS(saClmDispatch(handle, SA_DISPATCH_ONE), SA_AIS_OK);
    CHECK(nodes_told == 2 && invocation_told == 6 && error_told == SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saClmFinalize(handle), SA_AIS_OK);
    CHECK_IS(saClmFinalize(without), SA_AIS_OK);
}

static void test_saClmResponse_4(void)
{
    SaClmHandleT handle = begin_4(&new_callbacks), older = begin(NULL);
    CHECK_IS(saClmResponse_4(handle, 0, SA_CLM_CALLBACK_RESPONSE_OK), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saClmResponse_4(handle, 77, SA_CLM_CALLBACK_RESPONSE_ERROR), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saClmResponse_4(handle, 77, 0), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saClmResponse_4(handle, 77, 4), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saClmResponse_4(older, 77, SA_CLM_CALLBACK_RESPONSE_OK), SA_AIS_ERR_VERSION);
    CHECK_IS(saClmResponse_4(0, 77, SA_CLM_CALLBACK_RESPONSE_OK), SA_AIS_ERR_BAD_HANDLE);
    CHECK_IS(saClmFinalize(handle), SA_AIS_OK);
    CHECK_IS(saClmFinalize(older), SA_AIS_OK);
}

/* A child has none of its parent's handles, can get its own, and does the parent no harm. */
static void test_fork(void)
{
    SaClmHandleT handle = begin_4(&new_callbacks), own;
    SaVersionT version = {'B', 4, 1};
    SaClmClusterNodeT_4 node;
    int status;
    pid_t child;
    CHECK_IS(saClmClusterTrack_4(handle, SA_TRACK_CHANGES, NULL), SA_AIS_OK);
    fflush(stdout);
    child = fork();
    if (child == 0) {
        MUST(saClmClusterNodeGet_4(handle, SA_CLM_LOCAL_NODE_ID, TEN_SECONDS, &node) ==
             SA_AIS_ERR_BAD_HANDLE);
        MUST(saClmClusterTrackStop(handle) == SA_AIS_ERR_BAD_HANDLE);
        MUST(saClmDispatch(handle, SA_DISPATCH_BLOCKING) == SA_AIS_ERR_BAD_HANDLE);
        MUST(saClmFinalize(handle) == SA_AIS_ERR_BAD_HANDLE);
        MUST(saClmInitialize_4(&own, NULL, &version) == SA_AIS_OK && own != handle);
        MUST(saClmFinalize(own) == SA_AIS_OK);
        _exit(0);
    }
    CHECK(child > 0);
    CHECK_IS(waitpid(child, &status, 0), child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK_IS(saClmClusterNodeGet_4(handle, SA_CLM_LOCAL_NODE_ID, TEN_SECONDS, &node), SA_AIS_OK);
    CHECK_IS(saClmClusterTrackStop(handle), SA_AIS_OK);
    CHECK_IS(saClmFinalize(handle), SA_AIS_OK);
}

const struct test tests[] = {
    {"saClmInitialize", test_saClmInitialize},
    {"saClmInitialize_4", test_saClmInitialize_4},
    {"saClmSelectionObjectGet", test_saClmSelectionObjectGet},
    {"saClmDispatch", test_saClmDispatch},
    {"saClmFinalize", test_saClmFinalize},
    {"saClmClusterTrack", test_saClmClusterTrack},
    {"saClmClusterTrack_4", test_saClmClusterTrack_4},
    {"saClmClusterTrackStop", test_saClmClusterTrackStop},
    {"saClmClusterNotificationFree", test_saClmClusterNotificationFree},
    {"saClmClusterNodeGet", test_saClmClusterNodeGet},
    {"saClmClusterNodeGet_4", test_saClmClusterNodeGet_4},
    {"saClmClusterNodeGetAsync", test_saClmClusterNodeGetAsync},
    {"saClmResponse_4", test_saClmResponse_4},
    {"fork", test_fork},
    {NULL, NULL},
};
