/* Sizes and values of sam.h, and that programs find it where they look. It compiles, or something is wrong. */
#include <corosync/corotypes.h>
#include <corosync/sam.h>
#include <sam.h>

#define VALUE(name, value) _Static_assert((name) == (value), #name)

_Static_assert(sizeof(cs_error_t) == 4, "cs_error_t");
_Static_assert(sizeof(sam_recovery_policy_t) == 4, "sam_recovery_policy_t");
_Static_assert(sizeof(sam_hc_callback_t) == 8, "sam_hc_callback_t");
VALUE(CS_OK, 1);
VALUE(CS_ERR_LIBRARY, 2);
VALUE(CS_ERR_INVALID_PARAM, 7);
VALUE(CS_ERR_NO_MEMORY, 8);
VALUE(CS_ERR_BAD_HANDLE, 9);
VALUE(CS_ERR_NAME_TOO_LONG, 13);
VALUE(CS_ERR_TOO_BIG, 26);
VALUE(SAM_RECOVERY_POLICY_QUIT, 1);
VALUE(SAM_RECOVERY_POLICY_RESTART, 2);
VALUE(SAM_RECOVERY_POLICY_QUORUM, 0x08);
VALUE(SAM_RECOVERY_POLICY_QUORUM_QUIT, 0x09);
VALUE(SAM_RECOVERY_POLICY_QUORUM_RESTART, 0x0a);
VALUE(SAM_RECOVERY_POLICY_CMAP, 0x10);
VALUE(SAM_RECOVERY_POLICY_CONFDB, 0x10);

/* The functions have exactly these types. */
cs_error_t (*initialize)(int, sam_recovery_policy_t) = sam_initialize;
cs_error_t (*finalize)(void) = sam_finalize;
cs_error_t (*register_)(unsigned int *) = sam_register;
cs_error_t (*start)(void) = sam_start;
cs_error_t (*stop)(void) = sam_stop;
cs_error_t (*warn)(int) = sam_warn_signal_set;
cs_error_t (*hc_send)(void) = sam_hc_send;
cs_error_t (*hc_register)(int (*)(void)) = sam_hc_callback_register;
cs_error_t (*getsize)(size_t *) = sam_data_getsize;
cs_error_t (*restore)(void *, size_t) = sam_data_restore;
cs_error_t (*store)(const void *, size_t) = sam_data_store;
cs_error_t (*mark_failed)(void) = sam_mark_failed;
