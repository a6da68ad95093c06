/* Does nothing but look. */
#include "check.h"

int main(void) {
  for (int i = 0; i < 20; i++) REQUIRE_SIGHT("main");
  return 0;
}
