/* The place where programs look for it. */
#include <sam.h>
