#include <string>
#include <vector>

#include "cli/application.h"
#include "cli/console.h"
#include "cli/interrupt.h"

int main(int argc, char** argv) {
  const sotto::cli::Interrupt interrupt;
  sotto::cli::Console console;
  return sotto::cli::run_application(std::vector<std::string>(argv + 1, argv + argc), console,
                                     interrupt.token());
}
