// Inside the frame in which Airflow's UI shows a page: links into the UI open there, and dark is what is dark there.
if (parent !== window) {
  const mode = parent.document.documentElement.classList.contains("dark") ? "dark" : "light";
  document.documentElement.dataset.mode = mode;
  document.documentElement.style.colorScheme = mode;
  for (const link of document.querySelectorAll("a[data-airflow]")) {
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      const outside = parent.document.createElement("a");
      outside.href = link.href;
      outside.click();
    });
  }
}
