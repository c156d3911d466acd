// fetch_model ENDPOINT CACHE NAME [offline]: prints where the model is. For huggingface_hub_test.py.
#include <exception>
#include <iostream>
#include <string_view>

#include "sotto/hub.h"

int main(int argc, char** argv) {
  if (argc < 4) {
    std::cerr << "usage: fetch_model ENDPOINT CACHE NAME [offline]\n";
    return 2;
  }
  sotto::hub::HubOptions options;
  options.endpoint = argv[1];
  options.cache = argv[2];
  options.offline = argc > 4 && std::string_view(argv[4]) == "offline";
  try {
    std::cout << sotto::hub::resolve_model(argv[3], options).string() << '\n';
    return 0;
  } catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
    return 1;
  }
}
