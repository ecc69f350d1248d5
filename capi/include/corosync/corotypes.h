/* The codes that the functions of sam.h return. */
#include <sam.h>
