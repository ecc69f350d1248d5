/*
 * saAis.h: what all services of the Application Interface Specification have in common
 * (SAI-AIS-B.05.03). Names, values and layouts are the specification's; a program that was
 * compiled against another implementation's header of this name runs with these libraries.
 */
#ifndef SA_AIS_H
#define SA_AIS_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- scalars ---- */

typedef char SaInt8T;
typedef short SaInt16T;
typedef int SaInt32T;
typedef long long SaInt64T;
typedef unsigned char SaUint8T;
typedef unsigned short SaUint16T;
typedef unsigned int SaUint32T;
typedef unsigned long long SaUint64T;

typedef float SaFloatT;
typedef double SaDoubleT;

/* NUL-terminated UTF-8. */
typedef char *SaStringT;
typedef const char *SaConstStringT;

/* Nanoseconds: a duration, or a moment counted from 1970-01-01 00:00 UTC. */
typedef SaInt64T SaTimeT;
typedef SaUint64T SaInvocationT;
typedef SaUint64T SaSizeT;
typedef SaUint64T SaOffsetT;
/* Holds a file descriptor for poll and the like. */
typedef SaUint64T SaSelectionObjectT;
typedef SaUint64T SaNtfIdentifierT;

typedef enum { SA_FALSE = 0, SA_TRUE = 1 } SaBoolT;

/* ---- time ---- */

#define SA_TIME_END ((SaTimeT)0x7FFFFFFFFFFFFFFFLL)
#define SA_TIME_BEGIN ((SaTimeT)0x0LL)
#define SA_TIME_UNKNOWN ((SaTimeT)0x8000000000000000ULL)

#define SA_TIME_ONE_MICROSECOND ((SaTimeT)1000LL)
#define SA_TIME_ONE_MILLISECOND ((SaTimeT)1000000LL)
#define SA_TIME_ONE_SECOND ((SaTimeT)1000000000LL)
#define SA_TIME_ONE_MINUTE ((SaTimeT)60000000000LL)
#define SA_TIME_ONE_HOUR ((SaTimeT)3600000000000LL)
#define SA_TIME_ONE_DAY ((SaTimeT)86400000000000LL)
#define SA_TIME_MAX SA_TIME_END

/* ---- structures ---- */

/* Uninterpreted bytes. */
typedef struct {
    SaSizeT bufferSize;
    SaUint8T *bufferAddr;
} SaAnyT;

typedef struct {
    SaUint8T releaseCode; /* a capital letter */
    SaUint8T majorVersion;
    SaUint8T minorVersion;
} SaVersionT;

/*
 * A name: 'length' octets of 'value' count, and no NUL has to follow them. A program that defines
 * SA_EXTENDED_NAME_SOURCE sees an opaque structure of the same size and uses the two functions.
 */
#ifdef SA_EXTENDED_NAME_SOURCE
#define SA_MAX_UNEXTENDED_NAME_LENGTH 256
typedef struct {
    SaUint16T _opaque[129];
} SaNameT;
#else
#define SA_MAX_NAME_LENGTH 256
typedef struct {
    SaUint16T length;
    SaUint8T value[SA_MAX_NAME_LENGTH];
} SaNameT;
#endif

/*
 * Makes 'name' stand for the string. Up to 255 octets are copied; a longer string is borrowed and
 * has to live as long as 'name' is used. NULL is the empty name.
 */
extern void saAisNameLend(SaConstStringT value, SaNameT *name);

/*
 * The name as a string, valid as long as 'name' is; NULL if the octets are not followed by a NUL
 * (names that a library hands out, and those of saAisNameLend, are).
 */
extern SaConstStringT saAisNameBorrow(const SaNameT *name);

typedef union {
    SaInt64T int64Value;
    SaUint64T uint64Value;
    SaTimeT timeValue;
    SaFloatT floatValue;
    SaDoubleT doubleValue;
} SaLimitValueT;

#define SA_NTF_IDENTIFIER_UNUSED ((SaNtfIdentifierT)0LL)

typedef struct {
    SaNtfIdentifierT rootCorrelationId;
    SaNtfIdentifierT parentCorrelationId;
    SaNtfIdentifierT notificationId;
} SaNtfCorrelationIdsT;

/* ---- flags ---- */

#define SA_TRACK_CURRENT 0x01
#define SA_TRACK_CHANGES 0x02
#define SA_TRACK_CHANGES_ONLY 0x04
#define SA_TRACK_LOCAL 0x08
#define SA_TRACK_START_STEP 0x10
#define SA_TRACK_VALIDATE_STEP 0x20

typedef enum {
    SA_DISPATCH_ONE = 1,
    SA_DISPATCH_ALL = 2,
    SA_DISPATCH_BLOCKING = 3
} SaDispatchFlagsT;

/* ---- what a function returns ---- */

typedef enum {
    SA_AIS_OK = 1,
    SA_AIS_ERR_LIBRARY = 2,
    SA_AIS_ERR_VERSION = 3,
    SA_AIS_ERR_INIT = 4,
    SA_AIS_ERR_TIMEOUT = 5,
    SA_AIS_ERR_TRY_AGAIN = 6,
    SA_AIS_ERR_INVALID_PARAM = 7,
    SA_AIS_ERR_NO_MEMORY = 8,
    SA_AIS_ERR_BAD_HANDLE = 9,
    SA_AIS_ERR_BUSY = 10,
    SA_AIS_ERR_ACCESS = 11,
    SA_AIS_ERR_NOT_EXIST = 12,
    SA_AIS_ERR_NAME_TOO_LONG = 13,
    SA_AIS_ERR_EXIST = 14,
    SA_AIS_ERR_NO_SPACE = 15,
    SA_AIS_ERR_INTERRUPT = 16,
    SA_AIS_ERR_NAME_NOT_FOUND = 17,
    SA_AIS_ERR_NO_RESOURCES = 18,
    SA_AIS_ERR_NOT_SUPPORTED = 19,
    SA_AIS_ERR_BAD_OPERATION = 20,
    SA_AIS_ERR_FAILED_OPERATION = 21,
    SA_AIS_ERR_MESSAGE_ERROR = 22,
    SA_AIS_ERR_QUEUE_FULL = 23,
    SA_AIS_ERR_QUEUE_NOT_AVAILABLE = 24,
    SA_AIS_ERR_BAD_FLAGS = 25,
    SA_AIS_ERR_TOO_BIG = 26,
    SA_AIS_ERR_NO_SECTIONS = 27,
    SA_AIS_ERR_NO_OP = 28,
    SA_AIS_ERR_REPAIR_PENDING = 29,
    SA_AIS_ERR_NO_BINDINGS = 30,
    SA_AIS_ERR_UNAVAILABLE = 31,
    SA_AIS_ERR_CAMPAIGN_ERROR_DETECTED = 32,
    SA_AIS_ERR_CAMPAIGN_PROC_FAILED = 33,
    SA_AIS_ERR_CAMPAIGN_CANCELED = 34,
    SA_AIS_ERR_CAMPAIGN_FAILED = 35,
    SA_AIS_ERR_CAMPAIGN_SUSPENDED = 36,
    SA_AIS_ERR_CAMPAIGN_SUSPENDING = 37,
    SA_AIS_ERR_ACCESS_DENIED = 38,
    SA_AIS_ERR_NOT_READY = 39,
    SA_AIS_ERR_DEPLOYMENT = 40
} SaAisErrorT;

typedef enum {
    SA_SVC_HPI = 1,
    SA_SVC_AMF = 2,
    SA_SVC_CLM = 3,
    SA_SVC_CKPT = 4,
    SA_SVC_EVT = 5,
    SA_SVC_MSG = 6,
    SA_SVC_LCK = 7,
    SA_SVC_IMMS = 8,
    SA_SCV_LOG = 9, /* spelled so in the specification's own header */
    SA_SVC_LOG = 9,
    SA_SVC_NTF = 10,
    SA_SVC_NAM = 11,
    SA_SVC_TMR = 12,
    SA_SVC_SMF = 13,
    SA_SVC_SEC = 14,
    SA_SVC_PLM = 15
} SaServicesT;

#ifdef __cplusplus
}
#endif

#endif
