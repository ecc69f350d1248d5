/*
 * sam.h: the Simple Availability Manager: a process that supervises itself. Names, values and
 * behaviour are those of corosync's libsam (soname libsam.so.4).
 *
 * The process that calls sam_register becomes the supervisor and stays in that call; its child
 * returns from it and does the work. A child that dies, or says nothing for the interval, is
 * followed by the next one, forked from the memory of the supervisor.
 */
#ifndef AIS_SAM_H
#define AIS_SAM_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef COROTYPES_H_DEFINED
#define COROTYPES_H_DEFINED

typedef enum {
    CS_OK = 1,
    CS_ERR_LIBRARY = 2,
    CS_ERR_VERSION = 3,
    CS_ERR_INIT = 4,
    CS_ERR_TIMEOUT = 5,
    CS_ERR_TRY_AGAIN = 6,
    CS_ERR_INVALID_PARAM = 7,
    CS_ERR_NO_MEMORY = 8,
    CS_ERR_BAD_HANDLE = 9,
    CS_ERR_BUSY = 10,
    CS_ERR_ACCESS = 11,
    CS_ERR_NOT_EXIST = 12,
    CS_ERR_NAME_TOO_LONG = 13,
    CS_ERR_EXIST = 14,
    CS_ERR_NO_SPACE = 15,
    CS_ERR_INTERRUPT = 16,
    CS_ERR_NAME_NOT_FOUND = 17,
    CS_ERR_NO_RESOURCES = 18,
    CS_ERR_NOT_SUPPORTED = 19,
    CS_ERR_BAD_OPERATION = 20,
    CS_ERR_FAILED_OPERATION = 21,
    CS_ERR_MESSAGE_ERROR = 22,
    CS_ERR_QUEUE_FULL = 23,
    CS_ERR_QUEUE_NOT_AVAILABLE = 24,
    CS_ERR_BAD_FLAGS = 25,
    CS_ERR_TOO_BIG = 26,
    CS_ERR_NO_SECTIONS = 27
} cs_error_t;

#endif /* COROTYPES_H_DEFINED */

typedef enum {
    SAM_RECOVERY_POLICY_QUIT = 1,
    SAM_RECOVERY_POLICY_RESTART = 2,
    SAM_RECOVERY_POLICY_QUORUM = 0x08,
    SAM_RECOVERY_POLICY_QUORUM_QUIT = SAM_RECOVERY_POLICY_QUORUM | SAM_RECOVERY_POLICY_QUIT,
    SAM_RECOVERY_POLICY_QUORUM_RESTART = SAM_RECOVERY_POLICY_QUORUM | SAM_RECOVERY_POLICY_RESTART,
    SAM_RECOVERY_POLICY_CMAP = 0x10,
    SAM_RECOVERY_POLICY_CONFDB = SAM_RECOVERY_POLICY_CMAP
} sam_recovery_policy_t;

/* Runs in a thread of its own; anything but 0 says that the process is not well. */
typedef int (*sam_hc_callback_t)(void);

/* The interval is in milliseconds; 0 is no limit. */
extern cs_error_t sam_initialize(int time_interval, sam_recovery_policy_t recovery_policy);
extern cs_error_t sam_finalize(void);
/* Returns in the child; the first instance is 1. 'instance_id' may be NULL. */
extern cs_error_t sam_register(unsigned int *instance_id);
extern cs_error_t sam_start(void);
extern cs_error_t sam_stop(void);
extern cs_error_t sam_warn_signal_set(int warn_signal);
extern cs_error_t sam_hc_send(void);
extern cs_error_t sam_hc_callback_register(sam_hc_callback_t cb);
extern cs_error_t sam_data_getsize(size_t *size);
extern cs_error_t sam_data_restore(void *data, size_t size);
extern cs_error_t sam_data_store(const void *data, size_t size);
extern cs_error_t sam_mark_failed(void);

#ifdef __cplusplus
}
#endif

#endif
