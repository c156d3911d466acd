#include "cli/field_options.h"

namespace sotto::cli {

std::string help_text(const Field& field, const std::string& default_text) {
  std::string note = range_text(field);
  if (!default_text.empty()) {
    note += note.empty() ? "" : "; ";
    note += "default " + default_text;
  }
  return note.empty() ? std::string(field.help) : fmt::format("{} ({})", field.help, note);
}

CLI::Option* add_field(CLI::App& app, const Field& field, const std::string& name, bool& value) {
  const std::string names = fmt::format("{0},!--no-{1}", name, name.substr(2));
  return app.add_flag(names, value, help_text(field, value ? "on" : "off"))->take_last();
}

CLI::Option* add_field(CLI::App& app,
                       const Field& field,
                       const std::string& name,
                       std::vector<std::string>& value) {
  return app.add_option(name, value, std::string(field.help) + " (may be given several times)")
      ->take_all()
      ->allow_extra_args(false)
      ->type_name("TEXT");
}

CLI::Option* add_field(CLI::App& app,
                       const Field& field,
                       const std::string& name,
                       std::vector<quantize::Subgraph>& value) {
  const std::function<void(const std::string&)> add = [name, &value](const std::string& text) {
    value.push_back(parse_subgraph(name, text));
  };
  return app.add_option_function(name, add, std::string(field.help) + " (may be given several times)")
      ->take_all()
      ->trigger_on_parse()
      ->allow_extra_args(false)
      ->type_name("TEXT");
}

}  // namespace sotto::cli
